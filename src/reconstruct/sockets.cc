// What all views of sockets share: one row a socket, and their order.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "base/byte_reader.h"
#include "base/hash.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {

using model::Socket;

base::HashMap<std::uint32_t, std::vector<std::uint32_t>> sockets_by_netns(const model::Snapshot& snapshot,
                                                                               std::uint16_t family) {
  base::HashMap<std::uint32_t, std::vector<std::uint32_t>> sockets;
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

void DumpMerge::add(Socket&& socket, model::View view, const Origin& origin, std::uint64_t offset,
                    std::uint64_t beside) {
  const Identity id = identity(socket.netns, socket.family, socket.protocol, socket.cookie.value_or(0) ^ beside);
  const auto known = known_.first(id);
  if (!known) {
    known_.add(id, static_cast<std::uint32_t>(snapshot_.sockets.size()));
    snapshot_.sockets.push_back(std::move(socket));
  } else {
    Socket& earlier = snapshot_.sockets[*known];
    const bool is_later = !earlier.sightings.empty() && earlier.sightings.back().pass < origin.pass;
    if (is_later) {
      socket.sightings = std::move(earlier.sightings);
      earlier = std::move(socket);
    }
  }
  see(known ? snapshot_.sockets[*known] : snapshot_.sockets.back(), view, origin, offset);
}

namespace {

// One UNIX dump has all types, one packet dump too: protocol 0.
using DumpedTable = std::tuple<std::uint32_t, std::uint16_t, std::uint16_t>;  // namespace (index), family, protocol
using Dumped = std::map<DumpedTable, std::uint32_t>;                            // bits of passes

std::uint32_t pass_bit(int pass) { return pass >= 0 && pass < 32 ? 1u << pass : 0; }

// Which tables were dumped whole in which passes, also where a dump was empty.
Dumped dumped_tables(const Records& records, const model::Snapshot& snapshot) {
  std::map<std::uint64_t, std::uint32_t> index_of;
  for (std::uint32_t i = 0; i < snapshot.namespaces.size(); ++i)
    if (!snapshot.namespaces[i].unknown) index_of.emplace(snapshot.namespaces[i].inode, i);
  Dumped dumped;
  const auto note = [&](const Origin& origin, const decode::DumpEnd& end, std::uint16_t family, std::uint16_t protocol) {
    const auto netns = index_of.find(origin.netns);
    if (netns == index_of.end() || !end.done || end.errno_number != 0) return;
    dumped[{netns->second, family, protocol}] |= pass_bit(origin.pass);
  };
  for (const InetDump& inet : records.inet_dumps) {
    const std::uint16_t protocol = inet.dump.request_protocol.value_or(model::kProtocolTcp);
    const std::uint8_t family = inet.dump.request_family.value_or(0);  // 0: both
    if (family != model::kFamilyInet6) note(inet.origin, inet.dump.end, model::kFamilyInet, protocol);
    if (family != model::kFamilyInet) note(inet.origin, inet.dump.end, model::kFamilyInet6, protocol);
  }
  const auto note_all = [&](const auto& dumps, std::uint16_t family) {
    for (const auto& [origin, dump] : dumps) note(origin, dump.end, family, 0);
  };
  note_all(records.unix_dumps, model::kFamilyUnix);
  note_all(records.packet_dumps, model::kFamilyPacket);
  note_all(records.netlink_dumps, model::kFamilyNetlink);
  note_all(records.vsock_dumps, model::kFamilyVsock);
  note_all(records.xdp_dumps, model::kFamilyXdp);
  note_all(records.tipc_dumps, model::kFamilyTipc);
  note_all(records.smc_dumps, model::kFamilySmc);
  return dumped;
}

}  // namespace

void mark_presence(const Records& records, model::Snapshot& snapshot) {
  // A socket can only be missed in a dump that was made. Of one that was cut, the rows tell.
  Dumped dumped = dumped_tables(records, snapshot);
  const auto table_of = [](const Socket& s) {
    const bool has_protocols = s.family == model::kFamilyInet || s.family == model::kFamilyInet6;
    return DumpedTable(s.netns, s.family, has_protocols ? s.protocol : std::uint16_t{0});
  };
  const auto passes_of = [](const Socket& s) {
    std::uint32_t bits = 0;
    for (const auto& sighting : s.sightings)
      if (is_dump(sighting.view)) bits |= pass_bit(sighting.pass);
    return bits;
  };
  const std::uint32_t first = pass_bit(1), second = pass_bit(2), later = ~(first | 1u);
  // Sockets of one table come in runs.
  std::uint32_t* passes = nullptr;
  std::optional<DumpedTable> table;
  const auto passes_of_table = [&](const Socket& socket) -> std::uint32_t& {
    if (const auto other = table_of(socket); table != other) passes = &dumped[*(table = other)];
    return *passes;
  };
  for (const Socket& socket : snapshot.sockets) passes_of_table(socket) |= passes_of(socket);
  for (Socket& socket : snapshot.sockets) {
    const std::uint32_t bits = passes_of(socket), made = passes_of_table(socket);
    if (bits == 0 || (made & first) == 0 || (made & second) == 0) continue;
    const bool early = (bits & first) != 0, late = (bits & later) != 0;
    socket.presence = early && late ? model::Presence::throughout
                      : early       ? model::Presence::went
                                    : model::Presence::came;
  }
}

namespace {

// Gives each place the socket that is to be there, without a second list of them: `from` is a permutation, gone through
// cycle by cycle.
void arrange(std::vector<Socket>& sockets, std::vector<std::uint32_t> from) {
  for (std::uint32_t begin = 0; begin < from.size(); ++begin) {
    if (from[begin] == begin) continue;
    Socket first = std::move(sockets[begin]);
    std::uint32_t at = begin;
    for (std::uint32_t next; (next = std::exchange(from[at], at)) != begin; at = next) sockets[at] = std::move(sockets[next]);
    sockets[at] = std::move(first);
  }
}

// An address so that numbers compare as its bytes do.
std::array<std::uint64_t, 2> ordered(const base::IpAddress& address) {
  const auto* bytes = reinterpret_cast<const char*>(address.bytes.data());
  return {base::load<std::uint64_t>(bytes, base::ByteOrder::big), base::load<std::uint64_t>(bytes + 8, base::ByteOrder::big)};
}

}  // namespace

void sort_sockets(model::Snapshot& snapshot) {
  const auto order = [](const Socket& s) {
    return std::tie(s.local.address, s.peer.port, s.peer.address, s.name->bytes, s.inode, s.cookie);
  };
  // What most differ in, side by side: comparing these is mostly enough.
  struct Place {
    std::uint64_t table, ends;
    std::array<std::uint64_t, 2> local;
    std::uint32_t peer_port, socket;

    auto key() const { return std::tie(table, ends, local, peer_port); }
  };
  std::vector<Place> sorted;
  sorted.reserve(snapshot.sockets.size());
  for (const Socket& s : snapshot.sockets)
    sorted.push_back({std::uint64_t{s.netns} << 32 | std::uint64_t{s.family} << 16 | s.protocol,
                      std::uint64_t{s.state} << 32 | s.local.port, ordered(s.local.address), s.peer.port,
                      static_cast<std::uint32_t>(sorted.size())});
  std::sort(sorted.begin(), sorted.end(), [&](const Place& a, const Place& b) {
    if (a.key() != b.key()) return a.key() < b.key();
    const auto of_a = order(snapshot.sockets[a.socket]), of_b = order(snapshot.sockets[b.socket]);
    return of_a != of_b ? of_a < of_b : a.socket < b.socket;
  });
  std::vector<std::uint32_t> from, moved_to(sorted.size());
  from.reserve(sorted.size());
  for (const Place& place : sorted) {
    moved_to[place.socket] = static_cast<std::uint32_t>(from.size());
    from.push_back(place.socket);
  }
  std::vector<Place>().swap(sorted);
  arrange(snapshot.sockets, std::move(from));
  for (auto& row : snapshot.proc_net_rows) row.socket = moved_to[row.socket];
}

}  // namespace ssnap::reconstruct
