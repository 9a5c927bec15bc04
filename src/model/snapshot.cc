#include "model/snapshot.h"

#include <algorithm>

namespace ssnap::model {

std::vector<std::uint32_t> peer_processes(const Snapshot& snapshot, const Socket& socket) {
  std::vector<std::uint32_t> processes;
  for (const Link& link : socket.links) {
    if (link.tie == Tie::parent || link.tie == Tie::subflow || link.socket >= snapshot.sockets.size()) continue;
    for (const Owner& owner : snapshot.sockets[link.socket].owners)
      if (owner.process < snapshot.processes.size()) processes.push_back(owner.process);
  }
  std::sort(processes.begin(), processes.end());
  processes.erase(std::unique(processes.begin(), processes.end()), processes.end());
  return processes;
}

}  // namespace ssnap::model
