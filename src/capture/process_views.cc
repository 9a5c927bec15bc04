#include "capture/process_views.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <deque>
#include <string>

#include "base/fd.h"
#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/dirents.h"
#include "decode/host_files.h"
#include "decode/mountinfo.h"
#include "decode/proc_pid.h"

namespace ssnap::capture {
namespace {

constexpr const char* kSource = "process_views";
constexpr std::size_t kDirentsBytes = 32 * 1024;        // of one getdents64; the kernel's own copy is no larger
constexpr std::size_t kMaxListingBytes = 128 << 20;     // 4 million processes (PID_MAX_LIMIT) at 32 bytes
constexpr std::size_t kMaxSmallBytes = 16 << 20;        // /proc/stat of many CPUs, mountinfo of many mounts
constexpr std::size_t kMaxPidsBytes = 32 << 20;         // cgroup.procs: 4 million numbers
constexpr std::size_t kMaxCgroups = 200'000;            // as in cgroup_ids.cc
// Numbers that are tried: some 0.4 us each. A host whose numbers go further is probed below its last ones only.
constexpr std::int64_t kMaxProbes = 250'000;
// A process that ends and another that begins between two looks are told apart by looking again.
constexpr int kMaxQuietTries = 5;
constexpr auto kNativeOrder = std::endian::native == std::endian::little ? base::ByteOrder::little : base::ByteOrder::big;
constexpr long kPidfdOpen = 434;  // Linux 5.3; the same number on every architecture

archive::JournalEntry entry_of(const std::string& member, int pass) {
  archive::JournalEntry entry;
  entry.source = kSource;
  entry.member = member;
  if (pass > 0) entry.pass = pass;
  return entry;
}

void keep(Output& output, archive::JournalEntry entry, std::string bytes, int error) {
  entry.end_nsec = boottime_nsec();
  entry.errno_number = error;
  entry.outcome = base::outcome_of_errno(error);
  entry.bytes = bytes.size();
  MemberBuffer member(output);
  member.append(bytes);
  member.finish(entry.member);
  output.journal(std::move(entry));
}

void give_reason(Output& output, archive::JournalEntry entry, base::OutcomeKind outcome, int error, std::string detail) {
  entry.member.clear();
  entry.end_nsec = boottime_nsec();
  entry.outcome = outcome;
  entry.errno_number = error;
  entry.detail = std::move(detail);
  output.journal(std::move(entry));
}

// All that getdents64 gives of a directory, from its start. Returns errno.
int read_dirents(int directory_fd, const char* path, std::string& bytes, Output& output) {
  const base::Fd directory(::openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno;
  std::string buffer(kDirentsBytes, '\0');
  while (bytes.size() < kMaxListingBytes) {
    const long got = ::syscall(SYS_getdents64, directory.get(), buffer.data(), buffer.size());
    if (got < 0) return errno;
    if (got == 0) return 0;
    bytes.append(buffer, 0, static_cast<std::size_t>(got));
    if (!output.beat()) return EINTR;
  }
  return EFBIG;
}

std::vector<std::int64_t> pids_of(std::string_view dirents) {
  std::vector<std::int64_t> pids;
  for (const auto& entry : decode::decode_dirents(dirents, kNativeOrder).rows)
    if (const auto pid = base::parse_integer<std::int64_t>(entry.name); pid && *pid > 0) pids.push_back(*pid);
  std::sort(pids.begin(), pids.end());
  return pids;
}

// The kernel's own counts. Absent where the file or its line is.
struct Counts {
  std::optional<std::uint64_t> links;    // of /proc: its fixed folders, 2, and one for each process (proc_root_getattr)
  std::optional<std::uint64_t> forks;    // since boot, threads too: "processes" of /proc/stat
  std::optional<std::uint64_t> threads;  // of the whole host: the fourth word of /proc/loadavg, after the slash
  auto operator<=>(const Counts&) const = default;
};

Counts read_counts(int proc) {
  Counts counts;
  struct stat status {};
  if (base::file_status(proc, status)) counts.links = status.st_nlink;
  std::string text;
  if (read_small_file(proc, "stat", kMaxSmallBytes, text) == 0) counts.forks = decode::decode_proc_stat_processes(text);
  text.clear();
  if (read_small_file(proc, "loadavg", kMaxSmallBytes, text) == 0) counts.threads = decode::decode_proc_loadavg_threads(text);
  return counts;
}

std::string word(const std::optional<std::uint64_t>& value) { return value ? std::to_string(*value) : "-"; }

std::string counts_text(const Counts& before, const Counts& after) {
  return "links " + word(before.links) + " " + word(after.links) + "\nforks " + word(before.forks) + " " +
         word(after.forks) + "\nthreads " + word(before.threads) + " " + word(after.threads) + "\n";
}

class ListingTask : public Task {
 public:
  ListingTask(const Host& host, int pass) : host_(host), pass_(pass) {}

  std::size_t step_count() const override { return 2; }
  archive::JournalEntry about(std::size_t step) const override { return entry_of(member(step == 0 ? "dirents" : "dirents-mounted"), pass_); }

  void run(std::size_t step, Output& output) override {
    if (step == 0) list(output);
    else list_mounted(output);
  }

 private:
  std::string member(const char* name) const { return "process-views/pass" + std::to_string(pass_) + "/" + name; }

  // With the counts around it, again while they move: a few times, then as it is.
  void list(Output& output) {
    auto entry = about(0);
    std::string bytes;
    Counts before, after;
    int error = 0;
    for (int attempt = 0; attempt < kMaxQuietTries; ++attempt) {
      entry.begin_nsec = boottime_nsec();
      bytes.clear();
      before = read_counts(host_.proc.get());
      error = read_dirents(host_.proc.get(), ".", bytes, output);
      after = read_counts(host_.proc.get());
      if (error != 0 || before == after || !output.beat()) break;
    }
    auto counted = entry_of(member("counts"), pass_);
    counted.begin_nsec = entry.begin_nsec;
    entry.count = pids_of(bytes).size();
    keep(output, std::move(entry), std::move(bytes), error);
    keep(output, std::move(counted), counts_text(before, after), 0);
  }

  void list_mounted(Output& output) {
    if (!host_.detached) return;
    auto entry = about(1);
    entry.begin_nsec = boottime_nsec();
    std::string bytes;
    const int error = read_dirents(host_.root.get(), "proc", bytes, output);
    if (error != 0 && bytes.empty()) return give_reason(output, std::move(entry), base::OutcomeKind::unsupported, error, "/proc as it is mounted");
    entry.count = pids_of(bytes).size();
    keep(output, std::move(entry), std::move(bytes), error);
  }

  const Host& host_;
  int pass_;
};

// One look at every number: true where a process answers to it. A thread that is no process does not.
class PidProbe {
 public:
  // 0, or the errno that says that this kernel or this sandbox has no such call.
  static int unusable() {
    const base::Fd self(static_cast<int>(::syscall(kPidfdOpen, ::getpid(), 0u)));
    return self ? 0 : errno;
  }
  static bool answers(std::int64_t pid) {
    const base::Fd fd(static_cast<int>(::syscall(kPidfdOpen, static_cast<pid_t>(pid), 0u)));
    return fd || (errno != ESRCH && errno != EINVAL && errno != ENOENT);
  }
};

// "1 2 7\n"
std::string numbers_text(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t number : numbers) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text + "\n";
}

class ProbeTask : public Task {
 public:
  explicit ProbeTask(const Host& host) : host_(host) {}

  archive::JournalEntry about(std::size_t) const override { return entry_of("process-views/probe", 0); }

  // Ask every number, read the cgroups, list /proc, ask again those that the listing lacks: what answers before and after
  // it was there while it was made.
  void run(std::size_t, Output& output) override {
    auto entry = about(0);
    entry.begin_nsec = boottime_nsec();
    if (!host_.own_numbers)
      return give_reason(output, std::move(entry), base::OutcomeKind::unsupported, 0,
                         "/proc is of another pid namespace: its numbers are not those that system calls take");
    const int unusable = PidProbe::unusable();
    const auto [first, last] = range(output);
    std::vector<std::int64_t> alive;
    for (std::int64_t pid = first; unusable == 0 && pid <= last; ++pid) {
      if (PidProbe::answers(pid)) alive.push_back(pid);
      if (pid % 4096 == 0 && !output.beat()) return give_reason(output, std::move(entry), base::OutcomeKind::cut, EINTR, "ended early");
    }
    const std::vector<std::int64_t> grouped = read_cgroups(output);

    auto listed_entry = entry_of("process-views/probe-dirents", 0);
    listed_entry.begin_nsec = boottime_nsec();
    std::string dirents;
    const int error = read_dirents(host_.proc.get(), ".", dirents, output);
    const std::vector<std::int64_t> listed = pids_of(dirents);
    keep(output, std::move(listed_entry), std::move(dirents), error);

    std::string text = "range " + std::to_string(first) + " " + std::to_string(last) + "\nalive " + numbers_text(alive);
    if (error == 0) text += still_there(alive, grouped, listed, unusable == 0);
    if (unusable != 0) {
      text = text.substr(text.find("alive"));
      entry.detail = "pidfd_open: " + std::string(base::errno_name(unusable));
    }
    entry.count = alive.size();
    keep(output, std::move(entry), std::move(text), unusable);
  }

 private:
  // Up to the number that was given away last; where they have begun anew, up to the highest that there can be.
  std::pair<std::int64_t, std::int64_t> range(Output& output) const {
    std::string text;
    std::int64_t last = 0, highest = kMaxProbes;
    if (read_small_file(host_.proc.get(), "loadavg", kMaxSmallBytes, text) == 0) last = decode::decode_proc_loadavg_last_pid(text).value_or(0);
    text.clear();
    if (read_small_file(host_.proc.get(), "sys/kernel/pid_max", kMaxSmallBytes, text) == 0)
      if (const auto line = base::LineReader(text).next())
        highest = base::parse_integer<std::int64_t>(line->text).value_or(kMaxProbes);
    std::string dirents;
    read_dirents(host_.proc.get(), ".", dirents, output);
    const std::vector<std::int64_t> listed = pids_of(dirents);
    if (last <= 0 || (!listed.empty() && listed.back() > last)) last = highest;
    return {std::max<std::int64_t>(1, last - kMaxProbes + 1), last};
  }

  // Of the numbers that the listing lacks, those that still answer, or are still in a cgroup: "hidden pid PID START" and
  // "hidden cgroup PID START"; START is "-" where /proc doesn't let it be looked up either.
  std::string still_there(const std::vector<std::int64_t>& alive, const std::vector<std::int64_t>& grouped,
                          const std::vector<std::int64_t>& listed, bool can_probe) {
    std::string text;
    const auto is_listed = [&](std::int64_t pid) { return std::binary_search(listed.begin(), listed.end(), pid); };
    for (const std::int64_t pid : alive)
      if (!is_listed(pid) && PidProbe::answers(pid)) text += "hidden pid " + std::to_string(pid) + " " + start_of(pid) + "\n";
    for (const std::int64_t pid : grouped)
      if (!is_listed(pid) && can_probe && PidProbe::answers(pid)) text += "hidden cgroup " + std::to_string(pid) + " " + start_of(pid) + "\n";
    return text;
  }

  std::string start_of(std::int64_t pid) const {
    std::string text;
    if (read_small_file(host_.proc.get(), (std::to_string(pid) + "/stat").c_str(), kMaxSmallBytes, text) != 0) return "-";
    const auto stat = decode::decode_proc_pid_stat(text);
    return stat.has_value() ? std::to_string(stat->start_ticks) : "-";
  }

  // Every cgroup.procs of one hierarchy, cgroup v2's or else the first of v1: all processes are in it. Records
  // "PATH PID PID...", ended by NUL. Returns the numbers.
  std::vector<std::int64_t> read_cgroups(Output& output) {
    auto entry = entry_of("process-views/cgroup.procs", 0);
    entry.begin_nsec = boottime_nsec();
    const std::string mount = cgroup_mount();
    const base::Fd top(mount.empty() ? -1 : ::openat(host_.root.get(), mount.c_str() + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) {
      give_reason(output, std::move(entry), base::OutcomeKind::unsupported, mount.empty() ? 0 : errno, mount.empty() ? "no cgroup mount in the collector's mount namespace" : mount);
      return {};
    }
    MemberBuffer member(output);
    std::vector<std::int64_t> found;
    std::uint64_t count = 0;
    std::deque<std::string> waiting{""};
    for (; !waiting.empty() && count < kMaxCgroups; waiting.pop_front()) {
      const std::string path = waiting.front();
      const std::string below = path.empty() ? "" : path.substr(1) + "/";
      std::string pids;
      if (read_small_file(top.get(), (below + "cgroup.procs").c_str(), kMaxPidsBytes, pids) != 0) continue;  // removed meanwhile
      ++count;
      std::string record = path.empty() ? "/" : path;
      base::LineReader lines(pids);
      while (const auto line = lines.next()) {
        const auto pid = base::parse_integer<std::int64_t>(line->text);
        if (!pid || *pid <= 0) continue;  // 0: of a pid namespace that this one doesn't show
        found.push_back(*pid);
        record += " " + std::to_string(*pid);
      }
      record += '\0';
      member.append(record);
      for (const std::string& name : folders(top.get(), below.empty() ? "." : below.c_str(), output)) waiting.push_back(path + "/" + name);
      if (!output.beat()) break;
    }
    entry.end_nsec = boottime_nsec();
    entry.bytes = member.size_bytes();
    entry.count = count;
    entry.detail = mount;
    if (!waiting.empty()) entry.outcome = base::OutcomeKind::cut;
    member.finish(entry.member);
    output.journal(std::move(entry));
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  static std::vector<std::string> folders(int top, const char* path, Output& output) {
    std::vector<std::string> names;
    const base::Fd directory(::openat(top, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    std::vector<DirEntry> entries;
    if (directory) list_directory(directory.get(), entries, [&] { return output.beat(); });
    for (DirEntry& entry : entries)
      if (entry.type == DT_DIR) names.push_back(std::move(entry.name));
    return names;
  }

  std::string cgroup_mount() const {
    std::string text, first;
    if (read_small_file(host_.proc.get(), "self/mountinfo", kMaxSmallBytes, text) != 0) return "";
    for (const auto& mount : decode::decode_mountinfo(text).rows) {
      if (!mount.mount_point.starts_with("/")) continue;
      if (mount.fs_type == "cgroup2") return mount.mount_point;
      if (mount.fs_type == "cgroup" && first.empty()) first = mount.mount_point;
    }
    return first;
  }

  const Host& host_;
};

}  // namespace

std::shared_ptr<Task> process_listing_task(const Host& host, int pass) { return std::make_shared<ListingTask>(host, pass); }
std::shared_ptr<Task> process_probe_task(const Host& host) { return std::make_shared<ProbeTask>(host); }

}  // namespace ssnap::capture
