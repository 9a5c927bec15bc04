#include "render/info.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "base/clock.h"
#include "render/escape.h"

namespace ssnap::render {
namespace {

constexpr std::size_t kLabelWidth = 14;
// A damaged archive may have a problem per row; the JSON has them all.
constexpr std::size_t kMaxProblemsShown = 50;

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
  const auto begin = *capture.begin_boottime_nsec;
  return milliseconds(static_cast<std::int64_t>(source.begin_nsec) - begin) + " to " +
         milliseconds(static_cast<std::int64_t>(source.end_nsec) - begin);
}

void append_host(std::string& out, const model::Snapshot& snapshot) {
  const auto& host = snapshot.host;
  line(out, "Host", text_of(host.nodename));
  std::string kernel = text_of(host.kernel);
  if (host.kernel_version) kernel += " " + escape_terminal(*host.kernel_version);
  line(out, "Kernel", kernel);
  line(out, "Machine", text_of(host.machine));
  line(out, "Machine id", text_of(host.machine_id));
  line(out, "Boot id", text_of(host.boot_id));
}

void append_capture(std::string& out, const model::Snapshot& snapshot) {
  const auto& capture = snapshot.capture;
  for (const auto& [name, value] : capture.case_fields)
    line(out, "Case", escape_terminal(name) + ": " + escape_terminal(value));
  if (capture.tool_version)
    line(out, "Taken by", "ssnap " + escape_terminal(*capture.tool_version) +
                              (capture.tool_sha256 ? ", sha256 " + escape_terminal(*capture.tool_sha256) : ""));
  std::string command;
  for (const auto& argument : capture.arguments) command += (command.empty() ? "" : " ") + escape_terminal(argument);
  line(out, "Command", command);
  if (capture.collector_uid) {
    line(out, "Run as", "uid " + std::to_string(*capture.collector_uid) +
                            (capture.collector_capabilities
                                 ? ", capabilities " + escape_terminal(*capture.collector_capabilities)
                                 : ""));
  }
  if (capture.begin_realtime_nsec) line(out, "Began", base::rfc3339_utc(*capture.begin_realtime_nsec, 3));
  if (capture.end_realtime_nsec) line(out, "Ended", base::rfc3339_utc(*capture.end_realtime_nsec, 3));
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
  std::map<std::string, std::uint64_t> reasons;
  std::uint64_t owned = 0;
  for (const auto& socket : snapshot.sockets) {
    ++counts[{socket.family, socket.protocol}];
    if (!socket.owners.empty()) ++owned;
    else if (socket.ownerless_reason) ++reasons[std::string(model::ownerless_name(socket.ownerless_reason->code))];
  }
  std::string list;
  for (const auto& [key, count] : counts) {
    const auto family = model::family_name(key.first);
    const auto protocol = model::protocol_name(key.first, key.second);
    list += (list.empty() ? ": " : ", ") + (family.empty() ? std::to_string(key.first) : std::string(family)) + " " +
            (protocol.empty() ? std::to_string(key.second) : std::string(protocol)) + " " + std::to_string(count);
  }
  line(out, "Sockets", std::to_string(snapshot.sockets.size()) + " in " + std::to_string(snapshot.namespaces.size()) +
                           (snapshot.namespaces.size() == 1 ? " namespace" : " namespaces") + list);
  std::string without;
  for (const auto& [reason, count] : reasons) without += (without.empty() ? "; none: " : ", ") + reason + " " + std::to_string(count);
  line(out, "Owners", std::to_string(owned) + " sockets have one" + without);
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

// Gaps that differ only in their process are one line.
void append_gaps(std::string& out, const model::Snapshot& snapshot) {
  if (snapshot.gaps.empty()) {
    out += "\nNo gaps.\n";
    return;
  }
  struct Group {
    std::uint64_t count = 0;
    std::vector<std::int64_t> pids;
  };
  std::map<std::tuple<base::OutcomeKind, std::string, int, std::string>, Group> groups;
  for (const auto& gap : snapshot.gaps) {
    // A process's own file is in the group of that file, whichever process it is.
    std::string what = gap.detail.empty() ? gap.member : gap.detail;
    if (gap.pid && gap.detail.empty()) what = what.substr(what.rfind('/') + 1);
    Group& group = groups[{gap.kind, gap.source, gap.errno_number, std::move(what)}];
    group.count += gap.count;
    if (gap.pid) group.pids.push_back(*gap.pid);
  }
  constexpr std::size_t kMaxPidsShown = 12;
  out += "\nGaps\n";
  for (const auto& [key, group] : groups) {
    const auto& [kind, source, error, what] = key;
    std::string text = "  " + std::to_string(group.count) + " " + std::string(base::outcome_name(kind)) + ": " +
                       escape_terminal(source);
    if (!what.empty()) text += ", " + escape_terminal(what);
    if (error != 0) {
      const auto name = base::errno_name(error);
      text += " (" + (name.empty() ? "errno " + std::to_string(error) : std::string(name)) + ")";
    }
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
  append_host(out, snapshot);
  append_capture(out, snapshot);
  append_sockets(out, snapshot);
  append_sources(out, snapshot);
  append_gaps(out, snapshot);
  append_problems(out, snapshot);
  return out;
}

}  // namespace ssnap::render
