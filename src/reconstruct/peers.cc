// Who is at the other end.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// One direction of an address pair; v4-mapped addresses count as the IPv4 ones that they stand for.
std::string pair_key(const Socket& socket, bool reversed) {
  const model::Endpoint& first = reversed ? socket.peer : socket.local;
  const model::Endpoint& second = reversed ? socket.local : socket.peer;
  std::string key = std::to_string(socket.netns) + "/" + std::to_string(socket.protocol);
  for (const model::Endpoint* end : {&first, &second}) {
    const base::IpAddress address = end->address.unmapped();
    key.append(1, '/').append(address.bytes.begin(), address.bytes.begin() + address.length);
    key += ":" + std::to_string(end->port);
  }
  return key;
}

bool is_connected(const Socket& socket) { return socket.local.address.length != 0 && socket.peer.port != 0; }

}  // namespace

void find_peers(model::Snapshot& snapshot) {
  std::unordered_map<std::string, std::uint32_t> by_pair;
  std::unordered_map<std::uint64_t, std::uint32_t> unix_by_inode;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (is_connected(socket)) by_pair.emplace(pair_key(socket, false), i);
    if (socket.family == model::kFamilyUnix && socket.inode) unix_by_inode.emplace(*socket.inode, i);
  }
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    Socket& socket = snapshot.sockets[i];
    if (is_connected(socket)) {
      const auto at = by_pair.find(pair_key(socket, true));
      if (at != by_pair.end() && at->second != i) socket.links.push_back({at->second, model::Tie::peer, {}});
    } else if (socket.peer_inode) {
      const auto at = unix_by_inode.find(*socket.peer_inode);
      if (at == unix_by_inode.end()) continue;
      socket.peer_name = snapshot.sockets[at->second].name;
      socket.links.push_back({at->second, model::Tie::peer, {}});
    }
  }
}

}  // namespace ssnap::reconstruct
