#include "reconstruct/relations.h"

#include <algorithm>
#include <limits>

namespace ssnap::reconstruct {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

using Processes = std::vector<model::Process>;
using ByPid = base::HashMap<std::int64_t, std::vector<std::uint32_t>>;

// Who had `pid` when `child` was started: of several, the last that had started by then.
std::uint32_t holder_of_pid(const Processes& processes, const ByPid& by_pid, std::int64_t pid, const model::Process& child) {
  std::uint32_t found = kNone;
  const auto at = by_pid.find(pid);
  if (pid <= 0 || pid == child.pid || at == by_pid.end()) return found;
  for (const std::uint32_t candidate : at->second) {
    const auto& start = processes[candidate].start_ticks;
    if (start && child.start_ticks && *start > *child.start_ticks) continue;
    if (found == kNone || start.value_or(0) >= processes[found].start_ticks.value_or(0)) found = candidate;
  }
  return found;
}

// The leader of the session, for a process whose parent is no longer one of it.
std::uint32_t surviving_ancestor(const Processes& processes, const ByPid& by_pid, std::uint32_t process, std::uint32_t parent) {
  const auto& session = processes[process].session;
  if (!session) return parent;
  if (parent != kNone && (!processes[parent].session || processes[parent].session == session)) return parent;
  const std::uint32_t leader = holder_of_pid(processes, by_pid, *session, processes[process]);
  return leader != kNone && processes[leader].session == session ? leader : parent;
}

// A tree from an archive may have loops: the last step of each is taken away.
void cut_loops(std::vector<std::uint32_t>& parents) {
  std::vector<std::uint32_t> walk_of(parents.size(), kNone);
  for (std::uint32_t i = 0; i < parents.size(); ++i) {
    for (std::uint32_t at = i; walk_of[at] == kNone;) {
      walk_of[at] = i;
      const std::uint32_t parent = parents[at];
      if (parent == kNone) break;
      if (walk_of[parent] == i) parents[at] = kNone;
      at = parent;
    }
  }
}

}  // namespace

Kinship::Kinship(const model::Snapshot& snapshot)
    : parent_(snapshot.processes.size(), kNone), begin_(parent_.size()), end_(parent_.size()) {
  const Processes& processes = snapshot.processes;
  const auto count = static_cast<std::uint32_t>(processes.size());
  ByPid by_pid;
  for (std::uint32_t i = 0; i < count; ++i) by_pid[processes[i].pid].push_back(i);
  std::vector<std::uint32_t> above(count, kNone);
  for (std::uint32_t i = 0; i < count; ++i) {
    parent_[i] = holder_of_pid(processes, by_pid, processes[i].ppid.value_or(0), processes[i]);
    above[i] = surviving_ancestor(processes, by_pid, i, parent_[i]);
  }
  cut_loops(above);
  std::vector<std::uint32_t> first_child(count, kNone), sibling(count, kNone);
  for (std::uint32_t i = count; i-- > 0;) {
    if (above[i] == kNone) continue;
    sibling[i] = first_child[above[i]];
    first_child[above[i]] = i;
  }
  std::uint32_t number = 0;
  for (std::uint32_t root = 0; root < count; ++root) {
    if (above[root] != kNone) continue;
    // Down to the first child; where there is none left, on to the next sibling or up. No recursion: depth is the input's.
    for (std::uint32_t at = root;;) {
      begin_[at] = number++;
      if (first_child[at] != kNone) {
        at = first_child[at];
        continue;
      }
      end_[at] = number;
      while (at != root && sibling[at] == kNone) {
        at = above[at];
        end_[at] = number;
      }
      if (at == root) break;
      at = sibling[at];
    }
  }
}

std::optional<std::uint32_t> Kinship::parent(std::uint32_t process) const {
  return parent_[process] == kNone ? std::nullopt : std::optional(parent_[process]);
}

Channels::Channels(const model::Snapshot& snapshot) : snapshot_(snapshot), unix_sockets_(snapshot.processes.size()) {
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const model::Socket& socket = snapshot.sockets[i];
    if (socket.family != model::kFamilyUnix || socket.links.empty()) continue;
    for (const model::Owner& owner : socket.owners) {
      if (!holds_by_table(owner) || owner.process >= unix_sockets_.size()) continue;
      auto& list = unix_sockets_[owner.process];
      if (list.empty() || list.back() != i) list.push_back(i);
    }
  }
}

bool Channels::connect(std::uint32_t a, std::uint32_t b, std::uint32_t socket) {
  const auto& ways = between(a, b);
  return std::any_of(ways.begin(), ways.end(),
                     [&](const Ends& ends) { return ends.first != socket && ends.second != socket; });
}

const std::vector<Channels::Ends>& Channels::between(std::uint32_t a, std::uint32_t b) {
  if (unix_sockets_[b].size() < unix_sockets_[a].size() || (unix_sockets_[b].size() == unix_sockets_[a].size() && b < a))
    std::swap(a, b);
  const auto [at, is_new] = known_.try_emplace(static_cast<std::uint64_t>(a) << 32 | b);
  auto& ways = at->second;
  if (!is_new) return ways;
  constexpr std::size_t kEnoughWays = 3;  // two of them may be the socket's own, one in each direction
  int left = 256;                         // ties to look at: processes with more of them are rare
  const auto holds = [&](std::uint32_t socket) {
    const auto& owners = snapshot_.sockets[socket].owners;
    auto owner = std::lower_bound(owners.begin(), owners.end(), b,
                                  [](const model::Owner& one, std::uint32_t process) { return one.process < process; });
    for (; owner != owners.end() && owner->process == b; ++owner)
      if (holds_by_table(*owner)) return true;
    return false;
  };
  for (const std::uint32_t own : unix_sockets_[a]) {
    for (const model::Link& link : snapshot_.sockets[own].links) {
      if (ways.size() == kEnoughWays || left-- == 0) return ways;
      const bool way = link.tie == model::Tie::peer || link.tie == model::Tie::server || link.tie == model::Tie::client;
      if (way && holds(link.socket)) ways.emplace_back(own, link.socket);
    }
  }
  return ways;
}

}  // namespace ssnap::reconstruct
