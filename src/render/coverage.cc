#include "render/coverage.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::OwnerlessCode;
using model::Snapshot;

constexpr std::size_t kReasons = static_cast<std::size_t>(OwnerlessCode::unexplained) + 1;
constexpr std::size_t kWays = static_cast<std::size_t>(model::Via::listener) + 1;
// A host may have thousands; the JSON has them all.
constexpr std::size_t kMaxProcessesShown = 12;

struct Coverage {
  std::uint64_t certain = 0, doubtful = 0, unknown_namespace = 0;
  std::array<std::uint64_t, kReasons> reasons{};
  std::array<std::uint64_t, kWays> ways{};  // sockets, not owners: thousands may hold the same one
  std::set<std::int64_t> threads;           // with an fd table of their own that holds a socket
};

Coverage cover(const Snapshot& snapshot) {
  Coverage out;
  for (const auto& socket : snapshot.sockets) {
    bool certain = false;
    std::array<bool, kWays> seen{};
    for (const auto& owner : socket.owners) {
      certain = certain || owner.certainty == model::Certainty::certain;
      seen[static_cast<std::size_t>(owner.via)] = true;
      if (owner.tid) out.threads.insert(*owner.tid);
    }
    for (std::size_t i = 0; i < kWays; ++i) out.ways[i] += seen[i];
    if (certain)
      ++out.certain;
    else if (!socket.owners.empty())
      ++out.doubtful;
    // Neither an owner nor a reason: nothing explains it.
    if (!certain && socket.ownerless_reason)
      ++out.reasons[static_cast<std::size_t>(socket.ownerless_reason->code)];
    else if (socket.owners.empty())
      ++out.reasons[static_cast<std::size_t>(OwnerlessCode::unexplained)];
    if (socket.netns < snapshot.namespaces.size() && snapshot.namespaces[socket.netns].unknown) ++out.unknown_namespace;
  }
  return out;
}

std::string comma(const std::string& list, const std::string& item) { return list.empty() ? item : list + ", " + item; }

// "ssh[1], x[77] and 3 more".
std::string names(const Snapshot& snapshot, const std::vector<std::uint32_t>& processes) {
  std::string out;
  const std::size_t shown = std::min(processes.size(), kMaxProcessesShown);
  for (std::size_t i = 0; i < shown; ++i) out = comma(out, process_label(snapshot, processes[i]));
  if (shown < processes.size()) out += " and " + grouped_number(processes.size() - shown) + " more";
  return out;
}

void append_processes(std::string& out, const Snapshot& snapshot, const Coverage& coverage) {
  std::vector<std::uint32_t> unread, hidden;
  for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i) {
    if (!snapshot.processes[i].fds_readable) unread.push_back(i);
    if (!snapshot.processes[i].mounted_over.empty()) hidden.push_back(i);
  }
  out += "  Fd tables: " + std::to_string(snapshot.processes.size() - unread.size()) + " of " +
         count(snapshot.processes.size(), "process", "processes") + " read";
  if (!unread.empty()) out += "; not read, or not whole: " + names(snapshot, unread);
  out += '\n';
  if (!coverage.threads.empty())
    out += "  " + count(coverage.threads.size(), "thread") + " with sockets in an fd table of " +
           (coverage.threads.size() == 1 ? "its own" : "their own") + '\n';
  if (hidden.empty()) return;
  out += "  Hidden by mounts over their /proc entries: ";
  const std::size_t shown = std::min(hidden.size(), kMaxProcessesShown);
  for (std::size_t i = 0; i < shown; ++i)
    out += (i == 0 ? "" : ", ") + process_label(snapshot, hidden[i]) + " (" +
           escape_terminal(snapshot.processes[hidden[i]].mounted_over) + ')';
  if (shown < hidden.size()) out += " and " + grouped_number(hidden.size() - shown) + " more";
  out += '\n';
}

}  // namespace

void append_coverage(std::string& out, const Snapshot& snapshot) {
  const Coverage coverage = cover(snapshot);
  out += "\nOwners of the sockets of all namespaces: " + std::to_string(coverage.certain) + " of " +
         std::to_string(snapshot.sockets.size()) + " have a certain one\n";
  if (coverage.doubtful != 0) out += "  " + count(coverage.doubtful, "socket") + " with probable or possible owners only\n";
  std::string reasons;
  for (std::size_t i = 0; i + 1 < kReasons; ++i)
    if (coverage.reasons[i] != 0)
      reasons = comma(reasons, std::string(model::ownerless_name(static_cast<OwnerlessCode>(i))) + ' ' + std::to_string(coverage.reasons[i]));
  out += "  No certain one, because: " + comma(reasons, "unexplained " + std::to_string(coverage.reasons[kReasons - 1])) + '\n';
  std::string ways;
  for (std::size_t i = 0; i < kWays; ++i)
    if (coverage.ways[i] != 0)
      ways = comma(ways, std::string(model::via_name(static_cast<model::Via>(i))) + ' ' + std::to_string(coverage.ways[i]));
  if (!ways.empty()) out += "  Held by way of: " + ways + '\n';
  append_processes(out, snapshot, coverage);
  if (coverage.unknown_namespace != 0)
    out += "  " + count(coverage.unknown_namespace, "socket") +
           " in fd tables only: in no table of any namespace, so the namespace is not known\n";
}

}  // namespace ssnap::render
