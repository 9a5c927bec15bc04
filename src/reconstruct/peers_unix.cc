// The other ends of UNIX sockets. Inodes are the host's: ends may be in different network namespaces.
#include <algorithm>
#include <map>
#include <tuple>

#include "reconstruct/ties.h"

namespace ssnap::reconstruct {
namespace {

using model::Certainty;
using model::Socket;
using model::Tie;

// A connection's own end at the listener, before it is accepted: /proc/net/unix has it, without inode, with the
// listener's name. unix_stream_connect() (net/unix/af_unix.c) makes it in the namespace of the client.
using WaitingKey = std::tuple<std::uint32_t, std::uint16_t, model::UnixName::Kind, std::string>;
struct Waiting {
  std::vector<std::uint32_t> rows, clients;
};

bool waits(const Socket& socket) {
  return !socket.inode && !socket.peer_inode && socket.state == model::kStateEstab &&
         socket.name->kind != model::UnixName::Kind::none;
}

void tie_to_peer(model::Snapshot& snapshot, const SocketIndex<1>& by_inode, std::uint32_t i, Ties& ties) {
  Socket& socket = snapshot.sockets[i];
  std::vector<std::uint32_t> named, mutual;
  by_inode.visit({*socket.peer_inode}, [&](std::uint32_t at) {
    named.push_back(at);
    if (at != i && socket.inode && snapshot.sockets[at].peer_inode == socket.inode) mutual.push_back(at);
    return named.size() < kMaxAlternatives;
  });
  const auto& found = mutual.empty() ? named : mutual;
  if (found.empty()) return;
  socket.peer_name = snapshot.sockets[found.front()].name;
  for (const std::uint32_t at : found) {
    if (at == i) continue;  // a datagram socket that is connected to itself
    const Socket& other = snapshot.sockets[at];
    auto certainty = found.size() == 1 ? Certainty::certain : Certainty::possible;
    auto tie = Tie::peer;
    if (mutual.empty() && socket.protocol == model::kSocketDgram) {
      tie = Tie::server;
    } else if (mutual.empty() && socket.inode) {
      // The ends of a stream name each other, unless they were dumped at different times.
      certainty = std::max(certainty, other.peer_inode ? Certainty::possible : Certainty::probable);
    }
    ties.add(i, at, tie, certainty);
  }
}

}  // namespace

void tie_unix(model::Snapshot& snapshot, Ties& ties) {
  SocketIndex<1> by_inode;
  std::map<WaitingKey, Waiting> waiting;
  const auto key_of = [](std::uint32_t netns, const Socket& named) {
    return WaitingKey{netns, named.protocol, named.name->kind, named.name->bytes};
  };
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.family != model::kFamilyUnix) continue;
    if (socket.inode) by_inode.add({*socket.inode}, i);
    if (waits(socket)) waiting[key_of(socket.netns, socket)].rows.push_back(i);
  }
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.family != model::kFamilyUnix) continue;
    if (socket.peer_inode) tie_to_peer(snapshot, by_inode, i, ties);
    if (socket.state != model::kStateListen || !socket.details) continue;
    for (const std::uint32_t inode : socket.details->rare->pending_inodes) {
      std::vector<std::uint32_t> clients;
      by_inode.visit({inode}, [&](std::uint32_t at) {
        if (at != i) clients.push_back(at);
        return clients.size() < kMaxAlternatives;
      });
      const auto certainty = clients.size() == 1 ? Certainty::certain : Certainty::possible;
      for (const std::uint32_t client : clients) {
        ties.add(client, i, Tie::listener, certainty);
        const auto rows = waiting.find(key_of(snapshot.sockets[client].netns, socket));
        if (rows != waiting.end()) rows->second.clients.push_back(client);
      }
    }
  }
  for (auto& [key, list] : waiting) {
    // Several rows of one name are alike: which is whose can't be told, and each client has one.
    auto& clients = list.clients;
    std::sort(clients.begin(), clients.end());
    clients.erase(std::unique(clients.begin(), clients.end()), clients.end());
    const bool single = list.rows.size() == 1 && clients.size() == 1;
    for (std::size_t i = 0; i < std::min(list.rows.size(), clients.size()); ++i)
      ties.add(clients[i], list.rows[i], Tie::peer, single ? Certainty::certain : Certainty::probable);
  }
}

}  // namespace ssnap::reconstruct
