// Who is at the other end: the ties of all families, and those of MPTCP, netlink and vsock.
#include <algorithm>
#include <tuple>

#include "reconstruct/passes.h"
#include "reconstruct/ties.h"

namespace ssnap::reconstruct {
namespace {

using model::Certainty;
using model::Socket;
using model::Tie;

Tie reverse_of(Tie tie) {
  switch (tie) {
    case Tie::peer: return Tie::peer;
    case Tie::server: return Tie::client;
    case Tie::client: return Tie::server;
    case Tie::listener: return Tie::pending;
    case Tie::pending: return Tie::listener;
    case Tie::parent: return Tie::subflow;
    case Tie::subflow: return Tie::parent;
  }
  return Tie::peer;
}

std::uint64_t pair_of(std::uint32_t high, std::uint32_t low) { return static_cast<std::uint64_t>(high) << 32 | low; }

// mptcp_subflow_create_socket() and mptcp_graft_subflows() (net/mptcp) give the subflows the inode of their connection.
void tie_mptcp(const model::Snapshot& snapshot, Ties& ties) {
  SocketIndex<2> connections;
  const auto key_of = [](const Socket& socket) { return SocketKey<2>{socket.netns, *socket.inode}; };
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (snapshot.sockets[i].protocol == model::kProtocolMptcp && snapshot.sockets[i].inode)
      connections.add(key_of(snapshot.sockets[i]), i);
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.protocol != model::kProtocolTcp || socket.local.address.length == 0 || !socket.inode) continue;
    std::vector<std::uint32_t> parents;
    connections.visit(key_of(socket), [&](std::uint32_t at) {
      parents.push_back(at);
      return parents.size() < kMaxAlternatives;
    });
    for (const std::uint32_t parent : parents)
      ties.add(i, parent, Tie::parent, parents.size() == 1 ? Certainty::certain : Certainty::possible);
  }
}

// connect() on a netlink socket names the port id of another of its protocol and namespace; 0 is the kernel's.
void tie_netlink(const model::Snapshot& snapshot, Ties& ties) {
  SocketIndex<2> by_port;
  const auto key_of = [](const Socket& socket, std::uint32_t port) {
    return SocketKey<2>{socket.netns, pair_of(socket.protocol, port)};
  };
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.family == model::kFamilyNetlink && socket.local.port != 0) by_port.add(key_of(socket, socket.local.port), i);
  }
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.family != model::kFamilyNetlink || socket.peer.port == 0) continue;
    std::vector<std::uint32_t> found;
    by_port.visit(key_of(socket, socket.peer.port), [&](std::uint32_t at) {
      if (at != i && coexist(socket, snapshot.sockets[at])) found.push_back(at);
      return found.size() < kMaxAlternatives;
    });
    for (const std::uint32_t at : found) {
      const bool mutual = socket.local.port != 0 && snapshot.sockets[at].peer.port == socket.local.port;
      ties.add(i, at, mutual ? Tie::peer : Tie::server, found.size() == 1 ? Certainty::certain : Certainty::possible);
    }
  }
}

// VMADDR_CID_* (include/uapi/linux/vm_sockets.h).
constexpr std::uint32_t kCidAny = 0xffffffff, kCidLocal = 1, kCidHost = 2;

// True if what one end calls its peer can be the other's own CID. A socket that connect() bound has CID any, and its peer
// sees that of the transport: of vsock_loopback 1, also where the host's own 2 was connected to
// (net/vmw_vsock/af_vsock.c, vsock_assign_transport).
bool is_same_cid(const Socket& names, const Socket& named) {
  const std::uint32_t peer = names.peer.node.value_or(kCidAny), own = named.local.node.value_or(kCidAny);
  const bool here = peer == kCidLocal || peer == kCidHost;
  return peer == own ? peer != kCidAny : here && (own == kCidAny || own == kCidLocal || own == kCidHost);
}

bool is_connected_vsock(const Socket& socket) {
  constexpr std::uint32_t kPortAny = 0xffffffff;
  return socket.family == model::kFamilyVsock && socket.state != model::kStateListen &&
         socket.state != model::kStateUnconn && socket.peer.port != kPortAny;
}

void tie_vsock(const model::Snapshot& snapshot, Ties& ties) {
  constexpr int kMaxTried = 256;  // sockets of the same two ports: one a guest
  SocketIndex<2> by_ports;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (is_connected_vsock(socket)) by_ports.add({socket.protocol, pair_of(socket.local.port, socket.peer.port)}, i);
  }
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (!is_connected_vsock(socket)) continue;
    std::vector<std::uint32_t> found;
    int tried = 0;
    by_ports.visit({socket.protocol, pair_of(socket.peer.port, socket.local.port)}, [&](std::uint32_t at) {
      const Socket& other = snapshot.sockets[at];
      if (at != i && coexist(socket, other) && is_same_cid(socket, other) && is_same_cid(other, socket)) found.push_back(at);
      return ++tried < kMaxTried && found.size() < kMaxAlternatives;
    });
    for (const std::uint32_t at : found)
      ties.add(i, at, Tie::peer, found.size() == 1 ? Certainty::certain : Certainty::possible);
  }
}

}  // namespace

bool coexist(const Socket& a, const Socket& b) {
  using model::Presence;
  return !(a.presence == Presence::went && b.presence == Presence::came) &&
         !(a.presence == Presence::came && b.presence == Presence::went);
}

void Ties::add(std::uint32_t from, std::uint32_t to, Tie tie, Certainty certainty) {
  snapshot_.sockets[from].links.push_back({to, tie, certainty});
  snapshot_.sockets[to].links.push_back({from, reverse_of(tie), certainty});
  tied_[from] = tied_[to] = true;
}

void Ties::sort() {
  for (Socket& socket : snapshot_.sockets) {
    auto& links = socket.links;
    std::sort(links.begin(), links.end(), [](const model::Link& a, const model::Link& b) {
      return std::tie(a.tie, a.socket, a.certainty) < std::tie(b.tie, b.socket, b.certainty);
    });
    links.erase(std::unique(links.begin(), links.end(),
                            [](const model::Link& a, const model::Link& b) {
                              return a.tie == b.tie && a.socket == b.socket;
                            }),
                links.end());
  }
}

void find_peers(const Records& records, model::Snapshot& snapshot) {
  Ties ties(snapshot);
  tie_inet(records, snapshot, ties);
  tie_unix(snapshot, ties);
  tie_mptcp(snapshot, ties);
  tie_netlink(snapshot, ties);
  tie_vsock(snapshot, ties);
  ties.sort();
}

}  // namespace ssnap::reconstruct
