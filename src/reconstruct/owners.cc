// Who holds each socket.
#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "reconstruct/listeners.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

struct Holding {
  std::uint32_t process;  // index into Snapshot::processes
  std::uint32_t fd;
  std::uint8_t pass;
};

// A connection that no process has a descriptor of yet: it is complete and waits for its listener's accept().
bool may_wait_to_be_accepted(const Socket& socket) {
  if (socket.inode) return false;
  if (socket.family == model::kFamilyUnix) return true;
  return is_tcp(socket) && (socket.state == model::kStateEstab || socket.state == model::kStateCloseWait);
}

}  // namespace

void join_owners(const Records& records, model::Snapshot& snapshot) {
  std::unordered_map<std::uint64_t, std::vector<Holding>> holders;
  for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i) {
    const auto process = records.processes.find(snapshot.processes[i].pid);
    if (process == records.processes.end()) continue;
    for (const HeldSocket& held : process->second.sockets) holders[held.inode].push_back({i, held.fd, held.pass});
  }
  for (Socket& socket : snapshot.sockets) {
    if (!socket.inode) continue;
    const auto at = holders.find(*socket.inode);
    if (at == holders.end()) continue;
    auto& list = at->second;
    std::sort(list.begin(), list.end(), [](const Holding& a, const Holding& b) {
      return std::tie(a.process, a.fd) < std::tie(b.process, b.fd);
    });
    for (const Holding& holding : list) {
      if (socket.owners.empty() || socket.owners.back().process != holding.process) {
        model::Owner owner;
        owner.process = holding.process;
        socket.owners.push_back(std::move(owner));
      }
      auto& fds = socket.owners.back().fds;
      if (fds.empty() || fds.back() != holding.fd) fds.push_back(holding.fd);
      socket.owners.back().passes |= static_cast<std::uint8_t>(1u << (holding.pass - 1));
    }
  }

  const Listeners listeners(snapshot);
  for (Socket& socket : snapshot.sockets) {
    if (!may_wait_to_be_accepted(socket)) continue;
    const Socket* listener = listeners.find(socket);
    if (listener == nullptr || listener == &socket) continue;
    for (const model::Owner& owner : listener->owners) {
      model::Owner waiting;
      waiting.process = owner.process;
      waiting.via = model::Via::listener;
      socket.owners.push_back(std::move(waiting));
    }
  }
}

}  // namespace ssnap::reconstruct
