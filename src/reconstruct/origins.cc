// How the holders of a socket came to hold it.
#include <algorithm>
#include <unordered_map>

#include "reconstruct/passes.h"

namespace ssnap::reconstruct {

using model::Socket;

void trace_origins(model::Snapshot& snapshot) {
  std::unordered_map<std::int64_t, std::uint32_t> by_pid;
  for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i) by_pid.emplace(snapshot.processes[i].pid, i);

  // The nearest ancestor of `process` for which `holds` is true. A parent that started after its child is another
  // process with a pid used again: the chain ends there.
  const auto holding_ancestor = [&](std::uint32_t process, const auto& holds) -> std::optional<std::uint32_t> {
    constexpr int kMaxAncestors = 4096;  // a forged tree may have a loop
    std::uint32_t child = process;
    for (int i = 0; i < kMaxAncestors; ++i) {
      const auto& ppid = snapshot.processes[child].ppid;
      if (!ppid || *ppid <= 0) return std::nullopt;
      const auto parent = by_pid.find(*ppid);
      if (parent == by_pid.end() || parent->second == child) return std::nullopt;
      const auto& parent_start = snapshot.processes[parent->second].start_ticks;
      const auto& child_start = snapshot.processes[child].start_ticks;
      if (parent_start && child_start && *parent_start > *child_start) return std::nullopt;
      child = parent->second;
      if (holds(child)) return child;
    }
    return std::nullopt;
  };

  for (Socket& socket : snapshot.sockets) {
    if (socket.owners.size() < 2 || socket.owners.front().via != model::Via::fd) continue;
    const auto holds = [&](std::uint32_t process) {
      const auto at = std::lower_bound(socket.owners.begin(), socket.owners.end(), process,
                                       [](const model::Owner& owner, std::uint32_t p) { return owner.process < p; });
      return at != socket.owners.end() && at->process == process;
    };
    std::size_t roots = 0;
    for (model::Owner& owner : socket.owners) {
      owner.from = holding_ancestor(owner.process, holds);
      if (owner.from) owner.origin = model::Origin::inherited;
      else ++roots;
    }
    // One holder from which all others descend: it made the socket, as far as can be told.
    for (model::Owner& owner : socket.owners)
      if (!owner.from && roots == 1) owner.origin = model::Origin::creator;
  }
}

}  // namespace ssnap::reconstruct
