// What all views of sockets share: one row a socket, and their order.
#include <algorithm>
#include <map>
#include <tuple>

#include "reconstruct/merge.h"

namespace ssnap::reconstruct {

using model::Socket;

std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> sockets_by_netns(const model::Snapshot& snapshot,
                                                                               std::uint16_t family) {
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> sockets;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (snapshot.sockets[i].family == family) sockets[snapshot.sockets[i].netns].push_back(i);
  return sockets;
}

bool is_dump(model::View view) {
  switch (view) {
    case model::View::inet_diag:
    case model::View::unix_diag:
    case model::View::packet_diag:
    case model::View::netlink_diag:
    case model::View::vsock_diag:
    case model::View::xdp_diag:
    case model::View::tipc_diag:
    case model::View::smc_diag: return true;
    default: return false;
  }
}

void see(Socket& socket, model::View view, const Origin& origin, std::uint64_t offset) {
  socket.sightings.push_back({view, static_cast<std::uint8_t>(origin.pass), origin.member, offset});
}

void DumpMerge::add(Socket socket, model::View view, const Origin& origin, std::uint64_t offset,
                    std::uint64_t beside) {
  const Identity id{socket.netns, socket.family, socket.protocol, socket.cookie.value_or(0) ^ beside};
  const auto [at, is_new] = known_.emplace(id, static_cast<std::uint32_t>(snapshot_.sockets.size()));
  if (is_new) {
    snapshot_.sockets.push_back(std::move(socket));
  } else {
    Socket& earlier = snapshot_.sockets[at->second];
    const bool is_later = !earlier.sightings.empty() && earlier.sightings.back().pass < origin.pass;
    if (is_later) {
      socket.sightings = std::move(earlier.sightings);
      earlier = std::move(socket);
    }
  }
  see(snapshot_.sockets[at->second], view, origin, offset);
}

void mark_presence(model::Snapshot& snapshot) {
  // Which tables were dumped in which passes: a socket can only be missed in a dump that was made.
  std::map<std::tuple<std::uint32_t, std::uint16_t, std::uint16_t>, std::uint32_t> dumped;  // bits of passes
  const auto table_of = [](const Socket& s) {
    // One UNIX dump has all types, one packet dump too.
    const bool has_protocols = s.family == model::kFamilyInet || s.family == model::kFamilyInet6;
    return std::tuple(s.netns, s.family, has_protocols ? s.protocol : std::uint16_t{0});
  };
  const auto passes_of = [](const Socket& s) {
    std::uint32_t bits = 0;
    for (const auto& sighting : s.sightings)
      if (is_dump(sighting.view) && sighting.pass < 32) bits |= 1u << sighting.pass;
    return bits;
  };
  constexpr std::uint32_t kFirst = 1u << 1, kSecond = 1u << 2, kLater = ~(kFirst | 1u);
  for (const Socket& socket : snapshot.sockets) dumped[table_of(socket)] |= passes_of(socket);
  for (Socket& socket : snapshot.sockets) {
    const std::uint32_t bits = passes_of(socket);
    if (bits == 0 || (dumped[table_of(socket)] & kFirst) == 0 || (dumped[table_of(socket)] & kSecond) == 0) continue;
    const bool early = (bits & kFirst) != 0, late = (bits & kLater) != 0;
    socket.presence = early && late ? model::Presence::throughout
                      : early       ? model::Presence::went
                                    : model::Presence::came;
  }
}

void sort_sockets(model::Snapshot& snapshot) {
  const auto order = [](const Socket& s) {
    return std::tie(s.netns, s.family, s.protocol, s.state, s.local.port, s.local.address, s.peer.port, s.peer.address,
                    s.name.bytes, s.inode, s.cookie);
  };
  std::vector<std::uint32_t> sorted(snapshot.sockets.size());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) sorted[i] = i;
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
    return order(snapshot.sockets[a]) < order(snapshot.sockets[b]);
  });
  std::vector<Socket> sockets(snapshot.sockets.size());
  std::vector<std::uint32_t> moved_to(sorted.size());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    moved_to[sorted[i]] = i;
    sockets[i] = std::move(snapshot.sockets[sorted[i]]);
  }
  snapshot.sockets = std::move(sockets);
  for (auto& row : snapshot.proc_net_rows) row.socket = moved_to[row.socket];
}

}  // namespace ssnap::reconstruct
