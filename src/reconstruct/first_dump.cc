// What the first netlink dump of each table said, in its own order.
#include <algorithm>
#include <utility>

#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::DumpRow;

// Which dumps come first: the earliest pass of each table and namespace. IP tables have one dump a protocol and family
// (TCP one for both families), every other family has one.
class FirstPasses {
 public:
  void add(const Origin& origin, std::uint16_t family, std::uint16_t protocol) {
    const auto [at, is_new] = first_.emplace(std::tuple(origin.netns, family, protocol), origin.pass);
    if (!is_new) at->second = std::min(at->second, origin.pass);
  }
  bool is_first(const Origin& origin, std::uint16_t family, std::uint16_t protocol) const {
    return first_.at({origin.netns, family, protocol}) == origin.pass;
  }

 private:
  std::map<std::tuple<std::uint64_t, std::uint16_t, std::uint16_t>, int> first_;
};

class FirstDumpPass {
 public:
  FirstDumpPass(const Records& records, NamespaceIndex& namespaces)
      : records_(records), namespaces_(namespaces), dump_(std::make_unique<model::FirstDump>()) {}

  std::unique_ptr<model::FirstDump> run() {
    add_inet();
    add_others(records_.unix_dumps, model::kFamilyUnix);
    add_others(records_.packet_dumps, model::kFamilyPacket);
    add_others(records_.netlink_dumps, model::kFamilyNetlink);
    add_others(records_.vsock_dumps, model::kFamilyVsock);
    add_others(records_.xdp_dumps, model::kFamilyXdp);
    add_others(records_.tipc_dumps, model::kFamilyTipc);
    add_listed();
    for (const auto& [inode, facts] : records_.netns_facts)
      dump_->counters.emplace(namespaces_.index_of(inode), facts.counters);
    return std::move(dump_);
  }

 private:
  DumpRow& new_row(const Origin& origin, std::uint16_t family, std::uint16_t protocol, std::uint8_t state,
                   std::uint64_t inode, std::uint64_t cookie) {
    DumpRow& row = dump_->rows.emplace_back();
    row.netns = namespaces_.index_of(origin.netns);
    row.family = family;
    row.protocol = protocol;
    row.state = state;
    row.inode = inode;
    row.cookie = cookie;
    return row;
  }

  void note_table(const Origin& origin, const decode::DumpEnd& end, std::uint16_t family, std::uint16_t protocol) {
    if (end.done && end.errno_number == 0) dump_->tables.insert({namespaces_.index_of(origin.netns), family, protocol});
  }

  void add_inet() {
    const auto family_of = [](const InetDump& from) { return std::uint16_t{from.dump.request_family.value_or(0)}; };
    const auto protocol_of = [](const InetDump& from) {
      return from.dump.request_protocol.value_or(model::kProtocolTcp);
    };
    FirstPasses passes;
    for (const auto& from : records_.inet_dumps) passes.add(from.origin, family_of(from), protocol_of(from));
    for (const auto& from : records_.inet_dumps) {
      const auto family = family_of(from);
      const auto protocol = protocol_of(from);
      if (!passes.is_first(from.origin, family, protocol)) continue;
      if (family != model::kFamilyInet6) note_table(from.origin, from.dump.end, model::kFamilyInet, protocol);
      if (family != model::kFamilyInet) note_table(from.origin, from.dump.end, model::kFamilyInet6, protocol);
      for (std::size_t i = 0; i < from.dump.rows.size(); ++i)
        add(from.origin, protocol, from.dump.rows[i], i < from.info.size() ? from.info[i] : kNoInfo);
    }
  }

  template <class Dumps>
  void add_others(const Dumps& dumps, std::uint16_t family) {
    FirstPasses passes;
    for (const auto& [origin, dump] : dumps) passes.add(origin, family, 0);
    for (const auto& [origin, dump] : dumps) {
      if (!passes.is_first(origin, family, 0)) continue;
      note_table(origin, dump.end, family, 0);
      for (const auto& record : dump.rows) add(origin, record);
    }
  }

  void add(const Origin& origin, std::uint16_t protocol, const decode::InetDiagRecord& record,
           const model::InfoFields& info) {
    DumpRow& row = new_row(origin, record.family, protocol, record.state, record.inode, record.cookie);
    row.local = {record.local, record.local_port, record.interface_index, {}};
    row.peer = {record.peer, record.peer_port, 0, {}};
    row.recv_queue = record.recv_queue;
    row.send_queue = record.send_queue;
    row.uid = record.uid;
    row.timer = record.timer;
    row.retransmits = record.retransmits;
    row.expires_msec = record.expires_msec;
    row.details.info = info;
    if (!record.attributes) return;
    const decode::InetDiagAttributes& from = *record.attributes;
    row.attributes.ip_protocol = from.protocol;
    row.details.tos = from.tos;
    row.details.tclass = from.tclass;
    row.details.shutdown = from.shutdown;
    row.details.v6only = from.v6only;
    row.details.mark = from.mark;
    row.details.class_id = from.class_id;
    row.details.cgroup_id = from.cgroup_id;
    row.details.sockopt = from.sockopt;
    row.details.congestion = from.congestion;
    if (from.skmeminfo) row.details.skmeminfo = *from.skmeminfo;
    if (from.meminfo)
      row.attributes.meminfo = {from.meminfo->rmem, from.meminfo->wmem_queued, from.meminfo->fmem, from.meminfo->tmem};
    if (from.extras) add_extras(*from.extras, row);
  }

  static void add_extras(const decode::InetDiagExtras& from, DumpRow& row) {
    for (const auto& address : from.locals) row.details.rare.make().further_locals.push_back(address.address);
    for (const auto& address : from.peers) row.details.rare.make().further_peers.push_back(address.address);
    if (from.md5_peers) {
      row.attributes.md5_peers.emplace();
      for (const auto& peer : *from.md5_peers) row.attributes.md5_peers->push_back({peer.address, peer.prefix_length});
    }
    if (!from.ulp) return;
    row.attributes.ulp_name = from.ulp->name;
    if (const auto& tls = from.ulp->tls)
      row.attributes.tls = model::TlsAttributes{tls->version, tls->cipher, tls->tx_mode, tls->rx_mode, tls->zero_copy_sendfile};
    if (const auto& mptcp = from.ulp->mptcp) {
      auto& subflow = row.attributes.subflow.emplace();
      subflow.flags = mptcp->flags;
      subflow.remote_token = mptcp->remote_token;
      subflow.local_token = mptcp->local_token;
      subflow.map_subflow_sequence = mptcp->map_subflow_sequence;
      subflow.subflow_sequence_offset = mptcp->subflow_sequence_offset;
      subflow.remote_id = mptcp->remote_id;
      subflow.local_id = mptcp->local_id;
      subflow.map_sequence = mptcp->map_sequence;
      subflow.map_data_length = mptcp->map_data_length;
    }
  }

  void add(const Origin& origin, const decode::UnixDiagRecord& record) {
    DumpRow& row = new_row(origin, model::kFamilyUnix, record.type, record.state, record.inode, record.cookie);
    row.recv_queue = record.recv_queue.value_or(0);
    row.send_queue = record.send_queue.value_or(0);
    row.uid = record.uid.value_or(0);
    row.peer_inode = record.peer_inode.value_or(0);
    row.details.shutdown = record.shutdown;
    row.details.skmeminfo = record.skmeminfo;
    model::RareDetails& rare = row.details.rare.make();
    rare.vfs_inode = record.vfs_inode;
    rare.vfs_device = record.vfs_device;
    rare.pending_inodes = record.pending_inodes;
    // sk_diag_dump_icons() sends the list of every listener, also an empty one.
    row.attributes.has_pending_inodes = record.state == model::kStateListen;
    row.attributes.unix_name = record.name;
  }

  void add(const Origin& origin, const decode::PacketDiagRecord& record) {
    DumpRow& row = new_row(origin, model::kFamilyPacket, record.type, model::kStateUnconn, record.inode, record.cookie);
    row.uid = record.uid.value_or(0);
    row.details.skmeminfo = record.skmeminfo;
    if (!record.skmeminfo.empty()) row.recv_queue = record.skmeminfo.front();
    row.details.packet = std::make_unique<model::PacketDetails>();
    model::PacketDetails& packet = *row.details.packet;
    packet.ethertype = record.protocol;
    if (record.info) {
      row.local.interface_index = record.info->interface_index;
      packet.version = record.info->version;
      packet.flags = record.info->flags;
      row.attributes.copy_threshold = record.info->copy_threshold;
    }
    const auto add_ring = [](const auto& from, auto& ring, model::RingTimes& times) {
      if (!from) return;
      ring = model::Ring{from->block_size_bytes, from->block_count, from->frame_size_bytes, from->frame_count};
      times = {from->retire_timeout_msec, from->features};
    };
    add_ring(record.rx_ring, packet.rx_ring, row.attributes.rx_times);
    add_ring(record.tx_ring, packet.tx_ring, row.attributes.tx_times);
    packet.fanout = record.fanout;
    if (!record.filter) return;
    packet.filter.emplace();
    for (const auto& step : *record.filter)
      packet.filter->push_back({step.code, step.jump_true, step.jump_false, step.k});
  }

  void add(const Origin& origin, const decode::NetlinkDiagRecord& record) {
    DumpRow& row =
        new_row(origin, model::kFamilyNetlink, record.protocol, record.state, record.inode, record.cookie);
    row.local.port = record.port_id;
    row.peer.port = record.peer_port_id;
    row.attributes.peer_group = record.peer_group;
    constexpr std::uint32_t kGroupsInWord = 32;
    if (record.groups)
      for (const std::uint32_t group : *record.groups)
        if (group >= 1 && group <= kGroupsInWord) row.attributes.first_groups |= std::uint32_t{1} << (group - 1);
    row.details.skmeminfo = record.skmeminfo;
    constexpr std::size_t kReceived = 0, kQueued = 2;  // SK_MEMINFO_RMEM_ALLOC, _WMEM_ALLOC
    if (record.skmeminfo.size() > kQueued) {
      row.recv_queue = record.skmeminfo[kReceived];
      row.send_queue = record.skmeminfo[kQueued];
    }
  }

  void add(const Origin& origin, const decode::VsockDiagRecord& record) {
    DumpRow& row = new_row(origin, model::kFamilyVsock, record.type, record.state, record.inode, record.cookie);
    row.local.node = record.local_cid;
    row.local.port = record.local_port;
    row.peer.node = record.peer_cid;
    row.peer.port = record.peer_port;
  }

  void add(const Origin& origin, const decode::XdpDiagRecord& record) {
    DumpRow& row = new_row(origin, model::kFamilyXdp, record.type, model::kStateUnconn, record.inode, record.cookie);
    row.uid = record.uid.value_or(0);
    row.details.skmeminfo = record.skmeminfo;
    if (!record.skmeminfo.empty()) row.recv_queue = record.skmeminfo.front();
    row.details.xdp = std::make_unique<model::XdpDetails>();
    model::XdpDetails& xdp = *row.details.xdp;
    if (record.info) {
      row.local.interface_index = record.info->interface_index;
      row.local.port = record.info->queue_id;
      xdp.queue_id = record.info->queue_id;
    }
    xdp.rx_ring_entries = record.rx_ring_entries;
    xdp.tx_ring_entries = record.tx_ring_entries;
    xdp.fill_ring_entries = record.fill_ring_entries;
    xdp.completion_ring_entries = record.completion_ring_entries;
    if (const auto& umem = record.umem)
      row.attributes.xdp_memory = model::XdpMemory{umem->size_bytes,     umem->id,
                                                   umem->page_count,     umem->chunk_size_bytes,
                                                   umem->headroom_bytes, umem->interface_index,
                                                   umem->queue_id,       umem->flags,
                                                   umem->ref_count};
    if (const auto& stats = record.stats)
      row.attributes.xdp_counters = model::XdpCounters{stats->rx_dropped,      stats->rx_invalid, stats->rx_full,
                                                       stats->fill_ring_empty, stats->tx_invalid, stats->tx_ring_empty};
  }

  void add(const Origin& origin, const decode::TipcDiagRecord& record) {
    DumpRow& row = new_row(origin, model::kFamilyTipc, static_cast<std::uint16_t>(record.type.value_or(0)),
                           static_cast<std::uint8_t>(record.state.value_or(0)), record.inode.value_or(0),
                           record.cookie.value_or(0));
    row.uid = record.uid.value_or(0);
    row.recv_queue = record.recv_queue.value_or(0);
    row.send_queue = record.send_queue.value_or(0);
    row.local.node = record.node.value_or(0);
    row.local.port = record.port.value_or(0);
    auto& tipc = row.attributes.tipc.emplace();
    tipc.published = record.published;
    tipc.link_congested = record.link_congested;
    tipc.connection_congested = record.connection_congested;
    tipc.drops = record.drops.value_or(0);
    if (!record.connection) return;
    tipc.connected = true;
    row.peer.node = record.connection->peer_node.value_or(0);
    row.peer.port = record.connection->peer_port.value_or(0);
    tipc.service_type = record.connection->service_type;
    tipc.service_instance = record.connection->service_instance;
  }

  bool was_dumped(const Origin& origin, std::uint16_t family, std::uint16_t protocol) {
    return dump_->tables.count({namespaces_.index_of(origin.netns), family, protocol}) != 0;
  }

  // Tables that a reader of sock_diag falls back to.
  void add_listed() {
    for (const auto& table : records_.proc_net_inet) {
      if (table.protocol != model::kProtocolTcp && table.protocol != model::kProtocolUdp &&
          table.protocol != model::kProtocolRaw)
        continue;
      // Without one of the two versions it takes both from here.
      if (was_dumped(table.origin, model::kFamilyInet, table.protocol) &&
          was_dumped(table.origin, model::kFamilyInet6, table.protocol))
        continue;
      for (const auto& row : table.rows) add(table, row);
    }
    add_listed(records_.proc_net_unix, model::kFamilyUnix);
    add_listed(records_.proc_net_packet, model::kFamilyPacket);
    add_listed(records_.proc_net_netlink, model::kFamilyNetlink);
  }

  template <class Tables>
  void add_listed(const Tables& tables, std::uint16_t family) {
    for (const auto& table : tables) {
      if (was_dumped(table.origin, family, 0)) continue;
      for (const auto& row : table.rows) add(table.origin, row);
    }
  }

  DumpRow& new_listed_row(const Origin& origin, std::uint16_t family, std::uint16_t protocol, std::uint8_t state,
                          std::uint64_t inode, std::uint64_t pointer) {
    DumpRow& row = new_row(origin, family, protocol, state, inode, pointer);
    row.listed = true;
    return row;
  }

  void add(const ProcNetInetTable& table, const decode::ProcNetInetRow& from) {
    DumpRow& row = new_listed_row(table.origin, table.family, table.protocol, from.state, from.inode, from.pointer);
    row.local = {from.local, from.local_port, 0, {}};
    row.peer = {from.peer, from.peer_port, 0, {}};
    row.recv_queue = from.recv_queue;
    row.send_queue = from.send_queue;
    row.uid = from.uid;
    row.timer = from.timer;
    constexpr std::uint8_t kRetransmitTimer = 1;
    row.retransmits = from.timer == kRetransmitTimer ? from.retransmits : from.timeout;
    const auto per_second = static_cast<std::uint64_t>(std::max<std::int64_t>(records_.host.clk_tck, 1));
    // 32 bits, as its reader has it.
    row.expires_msec = static_cast<std::uint32_t>((from.timer_expires_ticks * 1000 + per_second - 1) / per_second);
    if (from.tcp && table.protocol == model::kProtocolTcp)
      row.attributes.listed_tcp = model::ListedTcp{from.tcp->rto_ticks, from.tcp->ato_ticks, from.tcp->quick_acks,
                                                   from.tcp->cwnd, from.tcp->ssthresh};
  }

  void add(const Origin& origin, const decode::ProcNetUnixRow& from) {
    DumpRow& row = new_listed_row(origin, model::kFamilyUnix, from.type, from.socket_state, from.inode, from.pointer);
    constexpr std::uint32_t kAcceptsConnections = 1u << 16;  // __SO_ACCEPTCON
    static constexpr std::uint8_t kStates[] = {model::kStateUnconn, model::kStateSynSent, model::kStateEstab,
                                               model::kStateClosing};
    if ((from.flags & kAcceptsConnections) != 0) row.state = model::kStateListen;
    else if (from.socket_state >= 1 && from.socket_state <= std::size(kStates)) row.state = kStates[from.socket_state - 1];
    // Its reader takes a datagram socket for connected where the pointer is not hidden.
    if (from.type == model::kSocketDgram && row.state == model::kStateUnconn && static_cast<std::uint32_t>(from.pointer) != 0)
      row.state = model::kStateEstab;
    row.attributes.unix_name = from.path;
  }

  void add(const Origin& origin, const decode::ProcNetPacketRow& from) {
    // ss drops this file's pointer.
    DumpRow& row = new_listed_row(origin, model::kFamilyPacket, from.type, model::kStateUnconn, from.inode, 0);
    row.uid = from.uid;
    row.recv_queue = from.rmem_bytes;
    row.local.interface_index = from.interface_index;
    row.details.packet = std::make_unique<model::PacketDetails>();
    row.details.packet->ethertype = from.protocol;
  }

  void add(const Origin& origin, const decode::ProcNetNetlinkRow& from) {
    constexpr std::uint8_t kUnconnected = 0;  // NETLINK_UNCONNECTED: the file doesn't tell
    DumpRow& row = new_listed_row(origin, model::kFamilyNetlink, from.protocol, kUnconnected, from.inode.value_or(0), from.pointer);
    row.local.port = from.port_id;
    row.recv_queue = from.rmem_bytes;
    row.send_queue = from.wmem_bytes;
    row.attributes.first_groups = from.first_groups;
    row.attributes.dump_running = from.dump_running;
  }

  static inline const model::InfoFields kNoInfo;

  const Records& records_;
  NamespaceIndex& namespaces_;
  std::unique_ptr<model::FirstDump> dump_;
};

}  // namespace

void keep_first_dump(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  snapshot.first_dump = FirstDumpPass(records, namespaces).run();
}

void tie_first_dump(model::Snapshot& snapshot) {
  // Listed rows have no cookie: an inode, or where they have none the two ends.
  const auto ends_of = [](const auto& row) {
    return std::tuple(row.netns, row.family, row.protocol, row.local.address, row.local.port, row.peer.address, row.peer.port);
  };
  IdentityIndex by_cookie, by_inode;
  std::map<decltype(ends_of(DumpRow{})), std::uint32_t> by_ends;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const model::Socket& socket = snapshot.sockets[i];
    if (socket.cookie) by_cookie.add(identity(socket.netns, socket.family, socket.protocol, *socket.cookie), i);
    if (socket.inode) by_inode.add(identity(socket.netns, socket.family, socket.protocol, *socket.inode), i);
    else by_ends.emplace(ends_of(socket), i);
  }
  for (DumpRow& row : snapshot.first_dump->rows) {
    const auto id = [&](std::uint64_t number) { return identity(row.netns, row.family, row.protocol, number); };
    if (!row.listed) {
      row.socket = by_cookie.first(id(row.cookie)).value_or(DumpRow::kNoSocket);
    } else if (row.inode != 0) {
      row.socket = by_inode.first(id(row.inode)).value_or(DumpRow::kNoSocket);
    } else {
      const auto at = by_ends.find(ends_of(row));
      row.socket = at == by_ends.end() ? DumpRow::kNoSocket : at->second;
    }
  }
}

}  // namespace ssnap::reconstruct
