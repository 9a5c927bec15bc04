// Connections with both ends on this host, and UDP clients whose server is not connected.
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/hash.h"
#include "reconstruct/ties.h"

namespace ssnap::reconstruct {
namespace {

using model::Certainty;
using model::Socket;
using model::Tie;

constexpr std::uint32_t kEveryNetns = std::numeric_limits<std::uint32_t>::max();

// An address in two words. IPv4 as its v4-mapped form, so that both forms of one address are one.
std::array<std::uint64_t, 2> words_of(const base::IpAddress& address) {
  std::array<std::uint8_t, 16> bytes = address.bytes;
  if (address.is_v4()) {
    bytes = {};
    bytes[10] = bytes[11] = 0xff;
    std::copy_n(address.bytes.begin(), 4, bytes.begin() + 12);
  }
  std::array<std::uint64_t, 2> words{};
  std::memcpy(words.data(), bytes.data(), bytes.size());
  return words;
}

// Local address, peer address, ports, namespace and protocol.
using PairKey = SocketKey<6>;
PairKey pair_key(std::uint32_t netns, const Socket& socket, const base::IpAddress& local, const base::IpAddress& peer) {
  const auto a = words_of(local), b = words_of(peer);
  const std::uint64_t protocol = socket.family == model::kFamilySmc ? 0xffffu : socket.protocol;
  return {a[0], a[1], b[0], b[1], static_cast<std::uint64_t>(socket.local.port) << 32 | socket.peer.port,
          static_cast<std::uint64_t>(netns) << 32 | protocol};
}
PairKey reversed(const PairKey& key) { return {key[2], key[3], key[0], key[1], key[4] << 32 | key[4] >> 32, key[5]}; }

bool is_udp(const Socket& socket) {
  return (socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6) &&
         (socket.protocol == model::kProtocolUdp || socket.protocol == model::kProtocolUdplite);
}

// A row that is one end of a living address pair. A bound-inactive socket has the address of a peer that is dead.
bool is_end(const Socket& socket) {
  if (socket.local.address.length == 0 || socket.local.port == 0 || socket.peer.port == 0) return false;
  if (socket.state == model::kStateListen || socket.state == model::kStateUnconn ||
      socket.state == model::kStateBoundInactive)
    return false;
  if (socket.family == model::kFamilySmc || is_udp(socket)) return true;
  if (socket.family != model::kFamilyInet && socket.family != model::kFamilyInet6) return false;
  switch (socket.protocol) {
    case model::kProtocolTcp:
    case model::kProtocolSctp:
    case model::kProtocolDccp:
    case model::kProtocolMptcp: return true;
    default: return false;
  }
}

// One address pair may have a connection, the request that it came of, and an earlier one in TIME-WAIT.
int rank_of(const Socket& socket) {
  if (socket.state == model::kStateTimeWait) return 2;
  const bool request = socket.state == model::kStateNewSynRecv || (socket.state == model::kStateSynRecv && !socket.inode);
  return request ? 1 : 0;
}

// Adds a socket under each of its address pairs: SCTP has several of them.
void add_pairs(SocketIndex<6>& index, std::uint32_t netns, const Socket& socket, std::uint32_t at) {
  constexpr std::size_t kMaxAddresses = 8;  // of an association's end
  index.add(pair_key(netns, socket, socket.local.address, socket.peer.address), at);
  if (socket.protocol != model::kProtocolSctp || !socket.details) return;
  const auto list = [](const base::IpAddress& first, const std::vector<base::IpAddress>& further) {
    std::vector<base::IpAddress> all{first};
    for (const auto& address : further)
      if (all.size() < kMaxAddresses && address.length != 0 && std::find(all.begin(), all.end(), address) == all.end())
        all.push_back(address);
    return all;
  };
  const auto peers = list(socket.peer.address, socket.details->rare->further_peers);
  for (const auto& local : list(socket.local.address, socket.details->rare->further_locals))
    for (const auto& peer : peers)
      if (local != socket.local.address || peer != socket.peer.address) index.add(pair_key(netns, socket, local, peer), at);
}

// Mostly one.
using Alternatives = base::SmallList<std::uint32_t, 2>;

// The sockets of one address pair that count: of the best rank.
Alternatives best_of(const model::Snapshot& snapshot, const SocketIndex<6>& index, const PairKey& key) {
  int best = 2;
  index.visit(key, [&](std::uint32_t at) { return (best = std::min(best, rank_of(snapshot.sockets[at]))) != 0; });
  Alternatives found;
  index.visit(key, [&](std::uint32_t at) {
    if (rank_of(snapshot.sockets[at]) == best) found.push_back(at);
    return found.size() < kMaxAlternatives;
  });
  return found;
}

void tie_pairs(const model::Snapshot& snapshot, const SocketIndex<6>& index, bool across, Ties& ties) {
  index.visit_keys([&](const PairKey& key) {
    const PairKey back = reversed(key);
    if (back < key || !index.has(back)) return;
    const auto ends = best_of(snapshot, index, key), others = best_of(snapshot, index, back);
    const auto fit = [&](std::uint32_t a, std::uint32_t b) {
      const Socket &one = snapshot.sockets[a], &other = snapshot.sockets[b];
      return a != b && coexist(one, other) && (!across || one.netns != other.netns);
    };
    for (const std::uint32_t a : ends) {
      const auto of_a = std::count_if(others.begin(), others.end(), [&](std::uint32_t b) { return fit(a, b); });
      for (const std::uint32_t b : others) {
        if (!fit(a, b)) continue;
        const auto of_b = std::count_if(ends.begin(), ends.end(), [&](std::uint32_t c) { return fit(c, b); });
        ties.add(a, b, Tie::peer, of_a == 1 && of_b == 1 ? Certainty::certain : Certainty::possible);
      }
    }
  });
}

bool is_multicast(const base::IpAddress& address) {
  return address.is_v4() ? address.bytes[0] >> 4 == 0xe : address.is_v6() && address.bytes[0] == 0xff;
}

// UDP servers, and in which namespaces an address is local.
class Servers {
 public:
  Servers(const Records& records, const model::Snapshot& snapshot) : snapshot_(snapshot) {
    for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
      const Socket& socket = snapshot.sockets[i];
      if (is_udp(socket) && socket.state == model::kStateUnconn && socket.local.port != 0)
        by_address_.add(key_of(socket.netns, socket.protocol, socket.local.port, socket.local.address), i);
    }
    for (std::uint32_t i = 0; i < snapshot.namespaces.size(); ++i) {
      const auto facts = records.netns_facts.find(snapshot.namespaces[i].inode);
      if (facts == records.netns_facts.end() || snapshot.namespaces[i].unknown) continue;
      for (const auto& address : facts->second.addresses) {
        const auto words = words_of(address);
        if (local_.insert({words[0], words[1], i}).second) namespaces_.add(words, i);
      }
    }
  }

  void tie(std::uint32_t at, Ties& ties) const {
    const Socket& client = snapshot_.sockets[at];
    const base::IpAddress& address = client.peer.address;
    const auto words = words_of(address);
    const bool local = address.is_loopback() || local_.count({words[0], words[1], client.netns}) != 0;
    if (tie_in(at, client.netns, local, Certainty::certain, ties) || local) return;
    // Namespaces that know nothing of each other may have the same address.
    constexpr int kMaxNamespacesTried = 256;
    int tried = 0;
    std::vector<std::uint32_t> elsewhere;
    namespaces_.visit(words, [&](std::uint32_t netns) {
      if (netns != client.netns && !find(at, netns, true).empty()) elsewhere.push_back(netns);
      return ++tried < kMaxNamespacesTried && elsewhere.size() < kMaxAlternatives;
    });
    const auto best = elsewhere.size() == 1 ? Certainty::probable : Certainty::possible;
    for (const std::uint32_t netns : elsewhere) tie_in(at, netns, true, best, ties);
  }

 private:
  static SocketKey<4> key_of(std::uint32_t netns, std::uint16_t protocol, std::uint32_t port,
                             const base::IpAddress& address) {
    const auto words = words_of(address);
    return {words[0], words[1], port, static_cast<std::uint64_t>(netns) << 32 | protocol};
  }

  // Who gets what `client` sends, as udp_lib_lookup() looks for it: bound to the address itself; else, where the address
  // is `local`, to any address of the family; else to :: without IPV6_V6ONLY.
  std::vector<std::uint32_t> find(std::uint32_t at, std::uint32_t netns, bool local) const {
    const Socket& client = snapshot_.sockets[at];
    const base::IpAddress wanted = client.peer.address.unmapped();
    base::IpAddress any_v4, any_v6;
    any_v4.length = 4;
    any_v6.length = 16;
    std::vector<std::uint32_t> found;
    const auto look = [&](const base::IpAddress& bound, bool serves_v4) {
      by_address_.visit(key_of(netns, client.protocol, client.peer.port, bound), [&](std::uint32_t i) {
        const Socket& server = snapshot_.sockets[i];
        const bool v6only = server.details && server.details->v6only.value_or(false);
        if (i != at && coexist(client, server) && !(serves_v4 && v6only)) found.push_back(i);
        return found.size() < kMaxAlternatives;
      });
      return !found.empty();
    };
    if (look(wanted, false) || !local) return found;
    if (wanted.is_v4() && look(any_v4, false)) return found;
    look(any_v6, wanted.is_v4());
    return found;
  }

  bool tie_in(std::uint32_t at, std::uint32_t netns, bool local, Certainty best, Ties& ties) const {
    const auto found = find(at, netns, local);
    for (const std::uint32_t i : found) {
      const Socket& server = snapshot_.sockets[i];
      // Bound to an interface, it gets only what comes in by that one.
      const bool may_miss = (server.local.interface_index != 0 && server.local.address.is_any()) ||
                            is_multicast(server.local.address.unmapped());
      ties.add(at, i, Tie::server, found.size() == 1 && !may_miss ? best : Certainty::possible);
    }
    return !found.empty();
  }

  const model::Snapshot& snapshot_;
  SocketIndex<4> by_address_;
  SocketIndex<2> namespaces_;  // by address; namespaces in place of sockets
  base::HashSet<SocketKey<3>> local_;  // address and namespace
};

bool is_loopback(const Socket& socket) {
  return socket.local.address.is_loopback() || socket.peer.address.is_loopback();
}

}  // namespace

void tie_inet(const Records& records, const model::Snapshot& snapshot, Ties& ties) {
  {
    SocketIndex<6> pairs;
    pairs.reserve(static_cast<std::size_t>(std::count_if(snapshot.sockets.begin(), snapshot.sockets.end(), is_end)));
    for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
      if (is_end(snapshot.sockets[i])) add_pairs(pairs, snapshot.sockets[i].netns, snapshot.sockets[i], i);
    tie_pairs(snapshot, pairs, false, ties);
  }

  // A loopback address is another one in each namespace; all others are in one place, as far as can be told.
  SocketIndex<6> everywhere;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (is_end(socket) && !ties.is_tied(i) && !is_loopback(socket)) add_pairs(everywhere, kEveryNetns, socket, i);
  }
  tie_pairs(snapshot, everywhere, true, ties);

  const Servers servers(records, snapshot);
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (is_udp(snapshot.sockets[i]) && is_end(snapshot.sockets[i]) && !ties.is_tied(i)) servers.tie(i, ties);
}

}  // namespace ssnap::reconstruct
