#include "render/info.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

#include "base/clock.h"
#include "render/account.h"
#include "render/byte_order.h"
#include "render/coverage.h"
#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

constexpr std::size_t kLabelWidth = 14;
// A damaged archive may have a problem per row; the JSON has them all.
constexpr std::size_t kMaxProblemsShown = 50;
// Lines of gaps: as many different ones as a host in its right mind has.
constexpr std::size_t kMaxGapLinesShown = 200;
// A host may have thousands; the JSON has them all.
constexpr std::size_t kMaxNamespacesShown = 20;

void line(std::string& out, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  std::string padded(label);
  padded.resize(std::max(kLabelWidth, padded.size() + 1), ' ');
  out += padded + value + "\n";
}

std::string text_of(const std::optional<std::string>& value) { return value ? escape_terminal(*value) : ""; }

std::string milliseconds(std::int64_t nsec) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(nsec) / 1e6);
  return text;
}

// "from 12.3 ms to 45.6 ms": since the capture began.
std::string window(const model::Capture& capture, const model::SourceSummary& source) {
  if (!capture.begin_boottime_nsec) return "";
  const auto begin = base::subtract_times(static_cast<std::int64_t>(source.begin_nsec), *capture.begin_boottime_nsec);
  const auto end = base::subtract_times(static_cast<std::int64_t>(source.end_nsec), *capture.begin_boottime_nsec);
  return begin && end ? milliseconds(*begin) + " to " + milliseconds(*end) : "";
}

// "3 d 04:05:06"
std::string uptime(std::int64_t nsec) {
  const std::int64_t seconds = nsec / base::kNsecPerSec;
  char text[64];
  std::snprintf(text, sizeof text, "%lld d %02lld:%02lld:%02lld", static_cast<long long>(seconds / 86400),
                static_cast<long long>(seconds / 3600 % 24), static_cast<long long>(seconds / 60 % 60),
                static_cast<long long>(seconds % 60));
  return text;
}

// The names that --case knows, as they are labelled; any other stands under its own.
constexpr std::pair<std::string_view, std::string_view> kCaseLabels[] = {
    {"number", "Case"}, {"evidence", "Evidence"}, {"examiner", "Examiner"}, {"description", "Description"}, {"notes", "Notes"}};

void append_case(std::string& out, const model::Capture& capture) {
  for (const auto& [known, label] : kCaseLabels)
    for (const auto& [name, value] : capture.case_fields)
      if (name == known) line(out, label, escape_terminal(value));
  for (const auto& [name, value] : capture.case_fields) {
    const auto has_this_name = [&, own = std::string_view(name)](const auto& row) { return row.first == own; };
    if (std::none_of(std::begin(kCaseLabels), std::end(kCaseLabels), has_this_name))
      line(out, "Case", escape_terminal(name) + ": " + escape_terminal(value));
  }
}

// "uid 0 (root)"
std::string user_text(const model::Snapshot& snapshot, std::uint64_t uid) {
  const auto at = snapshot.users.find(static_cast<std::uint32_t>(uid));
  return "uid " + std::to_string(uid) + (at == snapshot.users.end() ? "" : " (" + escape_terminal(at->second) + ")");
}

// A terminal by its device number (new_encode_dev, include/linux/kdev_t.h): "pts/3", "tty1", "4:64".
std::string terminal_text(std::int64_t device) {
  const auto number = static_cast<std::uint64_t>(device);
  const std::uint64_t major = number >> 8 & 0xfff, minor = (number & 0xff) | (number >> 12 & 0xfff00);
  constexpr std::uint64_t kConsole = 4, kFirstPts = 136, kLastPts = 143;  // Documentation/admin-guide/devices.txt
  if (major >= kFirstPts && major <= kLastPts) return "pts/" + std::to_string((major - kFirstPts) * 256 + minor);
  if (major == kConsole && minor < 64) return "tty" + std::to_string(minor);
  return std::to_string(major) + ":" + std::to_string(minor);
}

void append_collector(std::string& out, const model::Snapshot& snapshot) {
  const auto& capture = snapshot.capture;
  line(out, "Executable", text_of(capture.collector_executable));
  if (capture.collector_uid) {
    std::string capabilities;
    if (capture.collector_capabilities) capabilities = ", capabilities " + escape_terminal(*capture.collector_capabilities);
    if (capture.collector_permitted) capabilities += ", permitted " + escape_terminal(*capture.collector_permitted);
    if (capture.collector_bounding) capabilities += ", bounding " + escape_terminal(*capture.collector_bounding);
    line(out, "Run as", "uid " + std::to_string(*capture.collector_uid) + capabilities);
  }
  if (!capture.collector_session) return;  // archives of before these were kept
  std::string login = capture.collector_login_uid ? user_text(snapshot, *capture.collector_login_uid) : "none on record";
  if (capture.collector_audit_session) login += ", audit session " + std::to_string(*capture.collector_audit_session);
  line(out, "Login", login + ", session " + std::to_string(*capture.collector_session) +
                         (capture.collector_terminal ? ", terminal " + terminal_text(*capture.collector_terminal) : ", no terminal") +
                         (capture.collector_pid ? ", pid " + std::to_string(*capture.collector_pid) : "") +
                         (capture.collector_parent ? ", parent " + std::to_string(*capture.collector_parent) : ""));
}

std::string clock_text(const model::ClockSync& clock) {
  if (!clock.synchronized) return "not synchronized";
  return "synchronized, error estimated " + milliseconds(clock.estimated_error_usec * 1000) + ", at most " +
         milliseconds(clock.max_error_usec * 1000) +
         (clock.tai_offset_sec != 0 ? ", TAI is UTC + " + std::to_string(clock.tai_offset_sec) + " s" : "");
}

void append_clock(std::string& out, const model::Capture& capture) {
  if (!capture.begin_clock) return;
  line(out, "Clock", clock_text(*capture.begin_clock) +
                         (capture.end_clock ? "; at the end: " + clock_text(*capture.end_clock) : ""));
}

void append_host(std::string& out, const model::Snapshot& snapshot) {
  const auto& host = snapshot.host;
  line(out, "Host", text_of(host.nodename));
  std::string kernel = text_of(host.kernel);
  if (host.kernel_version) kernel += " " + escape_terminal(*host.kernel_version);
  line(out, "Kernel", kernel);
  line(out, "Machine", text_of(host.machine));
  line(out, "Byte order", byte_order_text(host));
  line(out, "Machine id", text_of(host.machine_id));
  line(out, "Boot id", text_of(host.boot_id));
  if (snapshot.capture.begin_boottime_nsec) line(out, "Uptime", uptime(*snapshot.capture.begin_boottime_nsec));
}

void append_capture(std::string& out, const model::Snapshot& snapshot) {
  const auto& capture = snapshot.capture;
  if (capture.tool_version)
    line(out, "Taken by", "ssnap " + escape_terminal(*capture.tool_version) +
                              (capture.tool_sha256 ? ", sha256 " + escape_terminal(*capture.tool_sha256) : ""));
  std::string command;
  for (const auto& argument : capture.arguments) command += (command.empty() ? "" : " ") + escape_terminal(argument);
  line(out, "Command", command);
  append_collector(out, snapshot);
  if (capture.begin_realtime_nsec) line(out, "Began", base::rfc3339_utc(*capture.begin_realtime_nsec, 3));
  if (capture.end_realtime_nsec) line(out, "Ended", base::rfc3339_utc(*capture.end_realtime_nsec, 3));
  append_clock(out, capture);
  line(out, "Status", escape_terminal(capture.status) +
                          (capture.status_detail.empty() ? "" : ": " + escape_terminal(capture.status_detail)) +
                          (capture.incomplete ? " (the archive is cut, unsealed or damaged)" : ""));
  if (capture.smear_nsec) line(out, "Smear", milliseconds(*capture.smear_nsec) + " from the first socket dump to the last fd read");
  line(out, "Processes", std::to_string(capture.processes_read) + " of " + std::to_string(capture.processes_found) +
                             " read with all their fds");
}

// "tcp 12, udp 3": sockets by family and protocol.
void append_sockets(std::string& out, const model::Snapshot& snapshot) {
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint64_t> counts;
  for (const auto& socket : snapshot.sockets) ++counts[{socket.family, socket.protocol}];
  std::string list;
  for (const auto& [key, number] : counts) {
    const auto family = model::family_name(key.first);
    const auto protocol = model::protocol_name(key.first, key.second);
    list += (list.empty() ? ": " : ", ") + (family.empty() ? std::to_string(key.first) : std::string(family)) + " " +
            (protocol.empty() ? std::to_string(key.second) : std::string(protocol)) + " " + std::to_string(number);
  }
  line(out, "Sockets", std::to_string(snapshot.sockets.size()) + " in " + std::to_string(snapshot.namespaces.size()) +
                           (snapshot.namespaces.size() == 1 ? " namespace" : " namespaces") + list);
}

// The host's own, then those with most sockets.
void append_namespaces(std::string& out, const model::Snapshot& snapshot) {
  const auto& all = snapshot.namespaces;
  if (all.size() < 2) return;
  std::vector<std::uint64_t> sockets(all.size());
  for (const auto& socket : snapshot.sockets)
    if (socket.netns < sockets.size()) ++sockets[socket.netns];
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < all.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return all[a].own != all[b].own ? all[a].own : sockets[a] > sockets[b];
  });
  const std::size_t shown = std::min(order.size(), kMaxNamespacesShown);
  out += "\nNamespaces: inode, sockets, name, how it was found\n";
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& netns = all[order[i]];
    char text[64];
    std::snprintf(text, sizeof text, "%12llu %8llu   ", static_cast<unsigned long long>(netns.inode),
                  static_cast<unsigned long long>(sockets[order[i]]));
    out += text + (netns.name.empty() ? std::string(netns.own ? "own" : netns.unknown ? "unknown" : "-")
                                     : escape_terminal(netns.name)) +
           (netns.how.empty() ? "" : ", " + escape_terminal(netns.how)) + "\n";
  }
  if (shown == order.size()) return;
  std::uint64_t rest = 0, empty = 0;
  for (std::size_t i = shown; i < order.size(); ++i) {
    rest += sockets[order[i]];
    if (sockets[order[i]] == 0) ++empty;
  }
  out += "  and " + std::to_string(order.size() - shown) + " more with " + count(rest, "socket") + ", " +
         std::to_string(empty) + " of them without any; all in --format json\n";
}

void append_sources(std::string& out, const model::Snapshot& snapshot) {
  if (snapshot.sources.empty()) return;
  out += "\nSources: reads, complete ones, bytes, time since the capture began\n";
  for (const auto& [name, source] : snapshot.sources) {
    char text[128];
    std::snprintf(text, sizeof text, "%8llu %8llu %12llu   ", static_cast<unsigned long long>(source.reads),
                  static_cast<unsigned long long>(source.complete), static_cast<unsigned long long>(source.bytes));
    std::string padded = "  " + escape_terminal(name);
    padded.resize(std::max<std::size_t>(padded.size(), 18), ' ');
    out += padded + text + window(snapshot.capture, source) + "\n";
  }
}

struct GapGroup {
  std::uint64_t count = 0;
  std::vector<std::int64_t> pids;
  std::set<std::uint64_t> namespaces;
};

// What a gap is about, whichever process and namespace it is of.
std::string gap_subject(const model::Gap& gap) {
  std::string what = gap.detail.empty() ? gap.member : gap.detail;
  // A process's own file is in the group of that file.
  if (gap.pid && gap.detail.empty()) what = what.substr(what.rfind('/') + 1);
  if (!gap.netns || *gap.netns == 0) return what;
  const std::string inode = std::to_string(*gap.netns);
  if (what.starts_with("netns/" + inode + '/')) what.erase(0, inode.size() + 7);
  std::string out;
  std::size_t from = 0;
  for (std::size_t at; (at = what.find(inode, from)) != std::string::npos; from = at + inode.size())
    out += what.substr(from, at - from) + "INODE";
  return out + what.substr(from);
}

// ", in 1000 namespaces"; "" where there is only one.
std::string gap_namespaces(const model::Snapshot& snapshot, const std::set<std::uint64_t>& inodes) {
  if (inodes.empty() || snapshot.namespaces.size() < 2) return "";
  if (inodes.size() > 1) return ", in " + std::to_string(inodes.size()) + " namespaces";
  const auto inode = *inodes.begin();
  for (std::uint32_t i = 0; i < snapshot.namespaces.size(); ++i)
    if (snapshot.namespaces[i].inode == inode && inode != 0) return ", in namespace " + namespace_word(snapshot, i);
  return ", in namespace " + std::to_string(inode);
}

// Gaps that differ only in their process or their namespace are one line.
void append_gaps(std::string& out, const model::Snapshot& snapshot) {
  if (snapshot.gaps.empty()) {
    out += snapshot.capture.incomplete ? "\nNo gaps in what was read.\n" : "\nNo gaps.\n";
    return;
  }
  std::map<std::tuple<base::OutcomeKind, std::string, int, std::string>, GapGroup> groups;
  for (const auto& gap : snapshot.gaps) {
    GapGroup& group = groups[{gap.kind, gap.source, gap.errno_number, gap_subject(gap)}];
    group.count += gap.count;
    if (gap.pid) group.pids.push_back(*gap.pid);
    if (gap.netns) group.namespaces.insert(*gap.netns);
  }
  constexpr std::size_t kMaxPidsShown = 12;
  out += "\nGaps\n";
  std::size_t lines = 0;
  for (const auto& [key, group] : groups) {
    if (lines++ == kMaxGapLinesShown) {
      out += "  and " + std::to_string(groups.size() - kMaxGapLinesShown) + " more kinds; all in --format json\n";
      break;
    }
    const auto& [kind, source, error, what] = key;
    std::string text = "  " + std::to_string(group.count) + " " + std::string(base::outcome_name(kind)) + ": " +
                       escape_terminal(source);
    if (!what.empty()) text += ", " + escape_terminal(what);
    if (error != 0) {
      const auto name = base::errno_name(error);
      text += " (" + (name.empty() ? "errno " + std::to_string(error) : std::string(name)) + ")";
    }
    text += gap_namespaces(snapshot, group.namespaces);
    if (!group.pids.empty()) {
      text += group.pids.size() == 1 ? ", pid" : ", pids";
      for (std::size_t i = 0; i < group.pids.size() && i < kMaxPidsShown; ++i) text += " " + std::to_string(group.pids[i]);
      if (group.pids.size() > kMaxPidsShown) text += " and " + std::to_string(group.pids.size() - kMaxPidsShown) + " more";
    }
    out += text + "\n";
  }
}

void append_problems(std::string& out, const model::Snapshot& snapshot) {
  if (snapshot.problems.empty()) return;
  out += "\nProblems: bytes of the snapshot that could not be read\n";
  for (std::size_t i = 0; i < snapshot.problems.size() && i < kMaxProblemsShown; ++i) {
    const auto& problem = snapshot.problems[i];
    out += "  " + (problem.member.empty() ? std::string("the archive") : escape_terminal(problem.member)) + ", offset " +
           std::to_string(problem.offset) + ": " + escape_terminal(problem.message) + "\n";
  }
  if (snapshot.problems.size() > kMaxProblemsShown)
    out += "  and " + std::to_string(snapshot.problems.size() - kMaxProblemsShown) + " more; all in --format json\n";
}

}  // namespace

std::string render_info(const model::Snapshot& snapshot) {
  std::string out;
  append_case(out, snapshot.capture);
  append_host(out, snapshot);
  append_capture(out, snapshot);
  append_sockets(out, snapshot);
  append_coverage(out, snapshot);
  append_namespaces(out, snapshot);
  append_account(out, snapshot);
  append_sources(out, snapshot);
  append_gaps(out, snapshot);
  append_problems(out, snapshot);
  return out;
}

}  // namespace ssnap::render
