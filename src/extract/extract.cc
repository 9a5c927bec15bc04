#include "extract/extract.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "archive/capture_info.h"
#include "base/text_cursor.h"
#include "decode/link_list.h"
#include "extract/tcpdiag.h"
#include "extract/tree.h"

namespace ssnap::extract {
namespace {

// Symlinks of one tree. fs.nr_open and fs.file-max of large hosts allow about this many open files.
constexpr std::uint64_t kMaxSymlinks = 16'000'000;

constexpr std::uint8_t kTcp = 6, kUdp = 17;

// The components of a name, as many as the layout needs to know.
std::vector<std::string_view> components(std::string_view name) {
  std::vector<std::string_view> parts;
  while (!name.empty() && parts.size() < 8) {
    const auto end = std::min(name.find('/'), name.size());
    parts.push_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return parts;
}

// A pid, tid or fd as procfs writes it; nullopt for "007" and all else.
std::optional<std::uint32_t> plain_number(std::string_view text) {
  const auto number = base::parse_integer<std::uint32_t>(text);
  return number && std::to_string(*number) == text ? number : std::nullopt;
}

// proc/PID or proc/PID/task/TID, where the name is below one of them: what is left of it goes to `rest`.
std::optional<std::string_view> task_folder(std::string_view name, std::string_view& rest) {
  const auto parts = components(name);
  if (parts.size() < 3 || parts[0] != "proc" || !plain_number(parts[1])) return std::nullopt;
  std::size_t length = parts[0].size() + 1 + parts[1].size();
  if (parts.size() >= 5 && parts[2] == "task" && plain_number(parts[3])) length += 1 + parts[2].size() + 1 + parts[3].size();
  rest = name.substr(length + 1);
  return name.substr(0, length);
}

// The links that procfs has beside fd/N: exe, cwd, root, and one of ns/.
bool is_process_link(std::string_view name) {
  if (name == "exe" || name == "cwd" || name == "root") return true;
  if (!name.starts_with("ns/") || name.size() == 3) return false;
  return std::all_of(name.begin() + 3, name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

// Where procfs has symlinks: nowhere else does one of the input become one.
bool is_procfs_link(std::string_view name) {
  if (name == "proc/self" || name == "proc/thread-self" || name == "proc/net" || name == "proc/mounts") return true;
  std::string_view rest;
  if (!task_folder(name, rest)) return false;
  return is_process_link(rest) || (rest.starts_with("fd/") && plain_number(rest.substr(3)));
}

// What has to be known before the first file is made.
struct Plan {
  std::set<std::uint32_t> pids;
  std::set<std::pair<std::uint32_t, std::uint32_t>> threads;
  std::set<std::uint64_t> namespaces;
  std::optional<std::uint64_t> own_netns;
  base::ByteOrder order = base::ByteOrder::little;
  bool has_end = false, is_archive = false;

  void add(const archive::Member& member) {
    const auto parts = components(member.name);
    if (parts.size() >= 3 && parts[0] == "proc") {
      const auto pid = plain_number(parts[1]);
      if (!pid) return;
      pids.insert(*pid);
      if (parts.size() >= 5 && parts[2] == "task")
        if (const auto tid = plain_number(parts[3])) threads.insert({*pid, *tid});
    } else if (parts.size() >= 3 && parts[0] == "netns") {
      if (const auto inode = base::parse_integer<std::uint64_t>(parts[1])) namespaces.insert(*inode);
    } else if (member.name == "end.json") {
      has_end = true;
    } else if (member.name == "capture.json") {
      const auto info = archive::parse_capture_info(member.bytes);
      if (!info) return;
      is_archive = true;
      order = info->host.byte_order;
      if (const auto net = info->collector.namespaces.find("net"); net != info->collector.namespaces.end()) own_netns = net->second;
    }
  }
};

class Extraction {
 public:
  Extraction(Tree& tree, Plan plan, std::optional<std::uint64_t> netns) : tree_(tree), plan_(std::move(plan)) {
    if (netns) shown_ = "netns/" + std::to_string(*netns) + "/";
  }

  void make_folders() {
    for (auto pid = plan_.pids.rbegin(); pid != plan_.pids.rend(); ++pid) directory("proc/" + std::to_string(*pid));
    for (auto thread = plan_.threads.rbegin(); thread != plan_.threads.rend(); ++thread)
      directory("proc/" + std::to_string(thread->first) + "/task/" + std::to_string(thread->second));
  }

  void add(const archive::Member& member) {
    if (error_) return;
    // Of a tree that was extracted before: made anew, of what it was made of.
    if (plan_.is_archive && (is_procfs_link(member.name) || member.name.starts_with("proc/net/") || member.name.starts_with("ss/"))) return;
    if (member.type == archive::MemberType::symlink) {
      if (is_procfs_link(member.name)) symlink(member.name, member.bytes);
      else leave_out(member.name, "a symlink where procfs has none");
      return;
    }
    if (!file(member.name, member.bytes)) return;
    std::string_view rest;
    if (const auto folder = task_folder(member.name, rest)) {
      if (rest == "links") links(std::string(*folder), member.bytes);
      if (rest == "fds") fds(std::string(*folder), member.bytes);
    } else if (!shown_.empty() && member.name.starts_with(shown_)) {
      rest = member.name.substr(shown_.size());
      if (rest.starts_with("proc/net/")) second_name(member.name, rest, member.bytes);
      keep_dump(rest, member.bytes);
    }
  }

  // In the order in which ss asks: UDP first, IPv4 before IPv6.
  void write_tcpdiag() {
    if (!dumped_) return;
    static constexpr std::pair<States, std::string_view> kSets[] = {
        {States::all, "ss/all-"}, {States::listening, "ss/listening-"}, {States::established, "ss/established-"}};
    const std::string end = tcpdiag_end(plan_.order);
    for (const auto& [states, prefix] : kSets) {
      const std::string udp = tcpdiag_records(udp4_, kUdp, states) + tcpdiag_records(udp6_, kUdp, states);
      const std::string tcp = tcpdiag_records(tcp_, kTcp, states);
      file(std::string(prefix) + "tcp", tcp + end);
      file(std::string(prefix) + "udp", udp + end);
      file(std::string(prefix) + "tcp-udp", udp + tcp + end);
    }
  }

  const std::optional<base::Error>& error() const { return error_; }
  Report take_report() { return std::move(report_); }

 private:
  void leave_out(std::string_view name, std::string_view why) { report_.left_out.add(0, std::string(name) + ": " + std::string(why)); }

  // Counts a success, notes a name that can't be, and ends everything for any other error.
  bool finish(std::string_view name, const base::Result<void>& result, std::uint64_t& count) {
    if (!result.has_error()) {
      ++count;
      return true;
    }
    const auto error = base::errno_error(name, result.error().errno_number);
    if (is_about_one_name(result.error())) report_.left_out.add(0, error.message);
    else if (!error_) error_ = error;
    return false;
  }

  bool file(std::string_view name, std::string_view bytes) {
    return !error_ && finish(name, tree_.write_file(name, bytes), report_.files);
  }

  // As a hard link; where there are none between directories (a FAT file system, Landlock before Linux 5.19), as a copy.
  void second_name(std::string_view existing, std::string_view name, std::string_view bytes) {
    const auto linked = tree_.link_file(existing, name);
    const int error = linked.has_error() ? linked.error().errno_number : 0;
    if (error == EXDEV || error == EPERM) file(name, bytes);
    else finish(name, linked, report_.files);
  }

  void directory(const std::string& name) {
    std::uint64_t ignored = 0;
    if (!error_) finish(name, tree_.make_directory(name), ignored);
  }

  void symlink(std::string_view name, std::string_view target) {
    if (error_) return;
    if (report_.symlinks >= kMaxSymlinks) return leave_out(name, "more than 16000000 links: not made");
    finish(name, tree_.make_symlink(name, target), report_.symlinks);
  }

  void links(const std::string& folder, std::string_view bytes) {
    for (const auto& link : decode::decode_link_list(bytes).rows) {
      if (link.errno_number) continue;  // procfs has it, and nobody could read it
      if (is_process_link(link.name)) symlink(folder + '/' + std::string(link.name), link.target);
      else leave_out(folder + "/links", "a record of no link that procfs has");
    }
  }

  void fds(const std::string& folder, std::string_view bytes) {
    std::vector<std::pair<std::uint32_t, std::string_view>> found;
    for (const auto& link : decode::decode_link_list(bytes).rows) {
      const auto number = plain_number(link.name);
      if (!number) leave_out(folder + "/fds", "a record that is no file descriptor");
      else if (!link.errno_number) found.emplace_back(*number, link.target);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    directory(folder + "/fd");
    for (const auto& [number, target] : found) symlink(folder + "/fd/" + std::to_string(number), target);
  }

  // One member each at most, and none is larger than a member may be.
  void keep_dump(std::string_view name, std::string_view bytes) {
    if (name == "netlink/pass1/inet_diag-tcp.pcap") tcp_ = bytes;
    else if (name == "netlink/pass1/inet_diag-udp4.pcap") udp4_ = bytes;
    else if (name == "netlink/pass1/inet_diag-udp6.pcap") udp6_ = bytes;
    else return;
    dumped_ = true;
  }

  Tree& tree_;
  Plan plan_;
  std::string shown_;  // "netns/INODE/"; "": the input tells no namespaces apart
  std::string tcp_, udp4_, udp6_;
  bool dumped_ = false;
  Report report_;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<Report> extract(const MemberSource& source, Tree& tree, const Options& options) {
  // Which processes, threads and namespaces there are.
  Plan plan;
  const auto planned = source([&](const archive::Member& member) { plan.add(member); });
  if (planned.has_error()) return planned.error();
  if (planned->members == 0) return base::Error{"no snapshot: nothing is in it"};
  const auto netns = options.netns ? options.netns : plan.own_netns;
  if (options.netns && plan.namespaces.count(*options.netns) == 0)
    return base::Error{"of the network namespace " + std::to_string(*options.netns) + " this snapshot has no table"};

  const bool has_end = plan.has_end, is_archive = plan.is_archive;
  Extraction extraction(tree, std::move(plan), netns);
  extraction.make_folders();
  auto read = source([&](const archive::Member& member) { extraction.add(member); });
  if (read.has_error()) return read.error();
  extraction.write_tcpdiag();
  if (extraction.error()) return base::Error{tree.path() + '/' + extraction.error()->message, extraction.error()->errno_number};

  Report report = extraction.take_report();
  report.read = std::move(*read);
  report.has_end = has_end;
  report.is_archive = is_archive;
  return report;
}

}  // namespace ssnap::extract
