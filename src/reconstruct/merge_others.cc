// Packet, netlink, vsock, XDP, TIPC and SMC sockets.
#include <algorithm>
#include <map>
#include <tuple>

#include "base/hash.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

Socket make_socket(std::uint32_t netns, std::uint16_t family, std::uint16_t protocol, std::uint8_t state,
                   std::uint64_t inode, std::optional<std::uint64_t> cookie) {
  Socket socket;
  socket.netns = netns;
  socket.family = family;
  socket.protocol = protocol;
  socket.state = state;
  if (inode != 0) socket.inode = inode;
  socket.cookie = cookie;
  socket.details = std::make_unique<model::SocketDetails>();
  return socket;
}

std::optional<model::Ring> ring_of(const std::optional<decode::PacketRing>& from) {
  if (!from) return std::nullopt;
  return model::Ring{from->block_size_bytes, from->block_count, from->frame_size_bytes, from->frame_count};
}

Socket socket_of(decode::PacketDiagRecord& record, std::uint32_t netns) {
  Socket socket = make_socket(netns, model::kFamilyPacket, record.type, model::kStateUnconn, record.inode, record.cookie);
  if (record.inode != 0) socket.uid = record.uid;
  socket.details->skmeminfo = std::move(record.skmeminfo);
  auto packet = std::make_unique<model::PacketDetails>();
  packet->ethertype = record.protocol;
  if (record.info) {
    socket.local.interface_index = record.info->interface_index;
    packet->version = record.info->version;
    packet->flags = record.info->flags;
    packet->running = (record.info->flags & 1u) != 0;
  }
  packet->rx_ring = ring_of(record.rx_ring);
  packet->tx_ring = ring_of(record.tx_ring);
  packet->fanout = record.fanout;
  if (record.memberships)
    for (auto& item : *record.memberships)
      packet->memberships.push_back({item.interface_index, item.count, item.type, std::move(item.address)});
  if (record.filter) {
    packet->filter.emplace();
    for (const auto& step : *record.filter)
      packet->filter->push_back({step.code, step.jump_true, step.jump_false, step.k});
  }
  if (!socket.details->skmeminfo.empty()) socket.recv_queue = socket.details->skmeminfo[0];
  socket.details->packet = std::move(packet);
  return socket;
}

Socket socket_of(decode::NetlinkDiagRecord& record, std::uint32_t netns) {
  const std::uint8_t state = record.state == 1 ? model::kStateEstab : model::kStateUnconn;
  Socket socket = make_socket(netns, model::kFamilyNetlink, record.protocol, state, record.inode, record.cookie);
  socket.local.port = record.port_id;
  socket.peer.port = record.peer_port_id;
  if (record.groups) socket.details->rare.make().groups = std::move(record.groups);
  socket.details->skmeminfo = std::move(record.skmeminfo);
  if (!socket.details->skmeminfo.empty()) socket.recv_queue = socket.details->skmeminfo[0];
  return socket;
}

Socket socket_of(decode::VsockDiagRecord& record, std::uint32_t netns) {
  Socket socket = make_socket(netns, model::kFamilyVsock, record.type, record.state, record.inode, record.cookie);
  socket.local.node = record.local_cid;
  socket.local.port = record.local_port;
  socket.peer.node = record.peer_cid;
  socket.peer.port = record.peer_port;
  socket.details->shutdown = record.shutdown;
  return socket;
}

Socket socket_of(decode::XdpDiagRecord& record, std::uint32_t netns) {
  Socket socket = make_socket(netns, model::kFamilyXdp, record.type, model::kStateUnconn, record.inode, record.cookie);
  if (record.inode != 0) socket.uid = record.uid;
  socket.details->skmeminfo = std::move(record.skmeminfo);
  auto xdp = std::make_unique<model::XdpDetails>();
  if (record.info) {
    socket.local.interface_index = record.info->interface_index;
    xdp->queue_id = record.info->queue_id;
  }
  if (record.umem) xdp->umem_id = record.umem->id;
  xdp->rx_ring_entries = record.rx_ring_entries;
  xdp->tx_ring_entries = record.tx_ring_entries;
  xdp->fill_ring_entries = record.fill_ring_entries;
  xdp->completion_ring_entries = record.completion_ring_entries;
  socket.details->xdp = std::move(xdp);
  return socket;
}

// TIPC's states have numbers of their own (net/tipc/socket.c): those that coincide with TCP's are named by it.
Socket socket_of(decode::TipcDiagRecord& record, std::uint32_t netns) {
  constexpr std::uint32_t kListen = 10, kEstablished = 1;
  const auto state = record.state == kListen        ? model::kStateListen
                     : record.state == kEstablished ? model::kStateEstab
                                                    : model::kStateUnconn;
  Socket socket = make_socket(netns, model::kFamilyTipc, static_cast<std::uint16_t>(record.type.value_or(0)), state,
                              record.inode.value_or(0), record.cookie);
  if (record.inode.value_or(0) != 0) socket.uid = record.uid;
  socket.local.node = record.node;
  socket.local.port = record.port.value_or(0);
  if (record.connection) {
    socket.peer.node = record.connection->peer_node;
    socket.peer.port = record.connection->peer_port.value_or(0);
  }
  socket.recv_queue = record.recv_queue;
  socket.send_queue = record.send_queue;
  return socket;
}

Socket socket_of(decode::SmcDiagRecord& record, std::uint32_t netns) {
  // SMC's own states (net/smc/smc.h) but for the three that it shares with TCP in meaning.
  constexpr std::uint8_t kActive = 1, kListen = 10;
  const auto state = record.state == kListen   ? model::kStateListen
                     : record.state == kActive ? model::kStateEstab
                                               : model::kStateUnconn;
  Socket socket = make_socket(netns, model::kFamilySmc, model::kSocketStream, state, record.inode, record.cookie);
  socket.local = {record.local, record.local_port, record.interface_index, {}};
  socket.peer = {record.peer, record.peer_port, 0, {}};
  if (record.inode != 0) socket.uid = record.uid;
  socket.details->shutdown = record.shutdown;
  return socket;
}

template <class Dumps>
void merge_dumps(Dumps& dumps, model::View view, DumpMerge& merge) {
  for (auto& [origin, dump] : dumps) {
    const std::uint32_t netns = merge.netns(origin);
    for (auto& record : dump.rows) {
      const std::uint64_t offset = record.offset;
      merge.add(socket_of(record, netns), view, origin, offset);
    }
    dump.rows.clear();
  }
}

// Adds the rows of a procfs table to the `dumped` sockets of its namespace: by inode where they have one, else by the
// number that `key_of` gives for both; absent: it can't be told.
template <class Table, class KeyOf, class Make>
void merge_table(const Table& table, const std::vector<std::uint32_t>& dumped, model::View view, const KeyOf& key_of,
                 const Make& make, model::Snapshot& snapshot) {
  base::HashMap<std::uint64_t, std::uint32_t> by_inode;
  base::HashMap<std::uint64_t, std::uint32_t> without_inode;
  for (const std::uint32_t i : dumped) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.inode) by_inode.emplace(*socket.inode, i);
    else if (const std::optional<std::uint64_t> key = key_of(socket)) without_inode.emplace(*key, i);
  }
  for (const auto& row : table.rows) {
    std::optional<std::uint32_t> at;
    const std::uint64_t inode = [&]() -> std::uint64_t {
      if constexpr (requires { row.inode.has_value(); }) return row.inode.value_or(0);
      else return row.inode;
    }();
    if (inode != 0) {
      if (const auto known = by_inode.find(inode); known != by_inode.end()) at = known->second;
    } else if (const std::optional<std::uint64_t> key = key_of(row)) {
      if (const auto known = without_inode.find(*key); known != without_inode.end()) at = known->second;
    }
    if (!at) {
      at = static_cast<std::uint32_t>(snapshot.sockets.size());
      snapshot.sockets.push_back(make(row, inode));
      // The row may come again: a table that moves repeats rows, and so does a file that was put together.
      if (inode != 0) by_inode.emplace(inode, *at);
      else if (const std::optional<std::uint64_t> key = key_of(row)) without_inode.emplace(*key, *at);
    }
    see(snapshot.sockets[*at], view, table.origin, row.offset);
  }
}

}  // namespace

void merge_other_dumps(Records& records, DumpMerge& merge) {
  merge_dumps(records.packet_dumps, model::View::packet_diag, merge);
  merge_dumps(records.netlink_dumps, model::View::netlink_diag, merge);
  merge_dumps(records.vsock_dumps, model::View::vsock_diag, merge);
  merge_dumps(records.xdp_dumps, model::View::xdp_diag, merge);
  merge_dumps(records.tipc_dumps, model::View::tipc_diag, merge);
  merge_dumps(records.smc_dumps, model::View::smc_diag, merge);
}

void merge_proc_net_others(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  auto packets = sockets_by_netns(snapshot, model::kFamilyPacket);
  for (const auto& table : records.proc_net_packet) {
    const std::uint32_t netns = namespaces.index_of(table.origin.netns);
    merge_table(
        table, packets[netns], model::View::proc_net_packet,
        [](const auto&) { return std::optional<std::uint64_t>(); },
        [&](const decode::ProcNetPacketRow& row, std::uint64_t inode) {
          Socket socket = make_socket(netns, model::kFamilyPacket, row.type, model::kStateUnconn, inode, std::nullopt);
          if (inode != 0) socket.uid = row.uid;
          socket.recv_queue = row.rmem_bytes;
          socket.local.interface_index = row.interface_index;
          socket.details->packet = std::make_unique<model::PacketDetails>();
          socket.details->packet->ethertype = row.protocol;
          socket.details->packet->running = row.running;
          return socket;
        },
        snapshot);
  }
  auto netlinks = sockets_by_netns(snapshot, model::kFamilyNetlink);
  for (const auto& table : records.proc_net_netlink) {
    const std::uint32_t netns = namespaces.index_of(table.origin.netns);
    merge_table(
        table, netlinks[netns], model::View::proc_net_netlink,
        [](const auto& one) {
          std::uint64_t port = 0;
          if constexpr (requires { one.port_id; }) port = one.port_id;
          else port = one.local.port;
          return std::optional(port << 32 | one.protocol);
        },
        [&](const decode::ProcNetNetlinkRow& row, std::uint64_t inode) {
          Socket socket =
              make_socket(netns, model::kFamilyNetlink, row.protocol, model::kStateUnconn, inode, std::nullopt);
          socket.local.port = row.port_id;
          socket.recv_queue = row.rmem_bytes;
          socket.send_queue = row.wmem_bytes;
          return socket;
        },
        snapshot);
  }
}

// /proc/net/sctp has endpoints (bound sockets) and associations; without sctp_diag they are all that there is.
void merge_proc_net_sctp(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  const auto key_of = [](const Socket& s) {
    return std::tuple(s.netns, s.inode.value_or(0), s.local.port, s.peer.port, s.peer.port ? s.peer.address : base::IpAddress{});
  };
  std::map<decltype(key_of(Socket{})), std::uint32_t> known;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (snapshot.sockets[i].protocol == model::kProtocolSctp) known.emplace(key_of(snapshot.sockets[i]), i);
  const auto add = [&](const Origin& origin, std::uint64_t offset, Socket socket) {
    const auto [at, is_new] = known.emplace(key_of(socket), static_cast<std::uint32_t>(snapshot.sockets.size()));
    if (is_new) snapshot.sockets.push_back(std::move(socket));
    see(snapshot.sockets[at->second], model::View::proc_net_sctp, origin, offset);
  };
  const auto make = [&](const Origin& origin, const std::vector<base::IpAddress>& locals, std::uint16_t port,
                        std::uint8_t state, std::uint64_t inode, std::uint32_t uid) {
    const bool v6 = std::any_of(locals.begin(), locals.end(), [](const auto& address) { return address.is_v6(); });
    Socket socket = make_socket(namespaces.index_of(origin.netns), v6 ? model::kFamilyInet6 : model::kFamilyInet,
                                model::kProtocolSctp, state, inode, std::nullopt);
    if (!locals.empty()) socket.local.address = locals.front();
    socket.local.port = port;
    if (inode != 0) socket.uid = uid;
    if (locals.size() > 1) socket.details->rare.make().further_locals = locals;
    return socket;
  };
  for (const auto& table : records.proc_net_sctp_eps)
    for (const auto& row : table.rows)
      add(table.origin, row.offset,
          make(table.origin, row.locals, row.local_port, static_cast<std::uint8_t>(row.state), row.inode, row.uid));
  for (const auto& table : records.proc_net_sctp_assocs) {
    for (const auto& row : table.rows) {
      constexpr std::uint32_t kEstablished = 3;  // enum sctp_state
      Socket socket = make(table.origin, row.locals, row.local_port,
                           row.state == kEstablished ? model::kStateEstab : model::kStateClosing, row.inode, row.uid);
      if (row.primary_peer) socket.peer.address = *row.primary_peer;
      else if (!row.peers.empty()) socket.peer.address = row.peers.front();
      socket.peer.port = row.peer_port;
      socket.recv_queue = row.recv_queue_bytes;
      socket.send_queue = row.send_queue_bytes;
      if (row.peers.size() > 1) socket.details->rare.make().further_peers = row.peers;
      add(table.origin, row.offset, std::move(socket));
    }
  }
}

}  // namespace ssnap::reconstruct
