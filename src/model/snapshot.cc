#include "model/snapshot.h"

#include <algorithm>

namespace ssnap::model {

PeerProcesses peer_processes(const Snapshot& snapshot, const Socket& socket) {
  PeerProcesses peers;
  auto& processes = peers.processes;
  for (const Link& link : socket.links) {
    if (link.tie == Tie::parent || link.tie == Tie::subflow || link.socket >= snapshot.sockets.size()) continue;
    const auto& owners = snapshot.sockets[link.socket].owners;
    const std::size_t told = std::min(owners.size(), kMaxPeerOwners);
    peers.left_out += owners.size() - told;
    for (std::size_t i = 0; i < told; ++i)
      if (owners[i].process < snapshot.processes.size()) processes.push_back(owners[i].process);
  }
  std::sort(processes.begin(), processes.end());
  processes.erase(std::unique(processes.begin(), processes.end()), processes.end());
  return peers;
}

}  // namespace ssnap::model
