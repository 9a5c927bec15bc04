// The first netlink dump of each table, row by row in the order in which the kernel sent it: what a reader of sock_diag
// would have met. Of a table that could not be dumped, its rows in /proc/net. Snapshot::sockets says what is known of a socket in the end; this, what was said of it at first.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "model/socket.h"

namespace ssnap::model {

// INET_ULP_INFO_TLS: numbers of include/uapi/linux/tls.h.
struct TlsAttributes {
  std::optional<std::uint16_t> version, cipher, tx_mode, rx_mode;
  bool zero_copy_sendfile = false;
};

// INET_ULP_INFO_MPTCP.
struct SubflowAttributes {
  std::optional<std::uint32_t> flags, remote_token, local_token, map_subflow_sequence, subflow_sequence_offset;
  std::optional<std::uint8_t> remote_id, local_id;
  std::optional<std::uint64_t> map_sequence;
  std::optional<std::uint16_t> map_data_length;
};

// A peer with a TCP-MD5 key. The key itself is never kept.
struct Md5Address {
  base::IpAddress address;
  std::uint8_t prefix_length = 0;
};

// struct packet_diag_ring, the members that model::Ring leaves out.
struct RingTimes {
  std::uint32_t retire_timeout_msec = 0, features = 0;
};

// struct xdp_diag_umem, struct xdp_diag_stats.
struct XdpMemory {
  std::uint64_t size_bytes = 0;
  std::uint32_t id = 0, page_count = 0, chunk_size_bytes = 0, headroom_bytes = 0, interface_index = 0, queue_id = 0;
  std::uint32_t flags = 0, ref_count = 0;
};
struct XdpCounters {
  std::uint64_t rx_dropped = 0, rx_invalid = 0, rx_full = 0, fill_ring_empty = 0, tx_invalid = 0, tx_ring_empty = 0;
};

// TIPC_NLA_SOCK_*.
struct TipcAttributes {
  bool connected = false, published = false, link_congested = false, connection_congested = false;
  std::uint32_t drops = 0;
  std::optional<std::uint32_t> service_type, service_instance;  // connected by name
};

// The columns of /proc/net/tcp that only this table has; times in ticks.
struct ListedTcp {
  std::uint32_t rto_ticks = 0, ato_ticks = 0, quick_acks = 0, cwnd = 0;
  std::int32_t ssthresh = 0;
};

// What SocketDetails has no place for. Each absent where the kernel didn't send it.
struct DumpAttributes {
  std::optional<std::uint8_t> ip_protocol;              // INET_DIAG_PROTOCOL
  std::optional<std::array<std::uint32_t, 4>> meminfo;  // struct inet_diag_meminfo: rmem wmem fmem tmem
  std::optional<std::string> ulp_name;
  std::optional<TlsAttributes> tls;
  std::optional<SubflowAttributes> subflow;
  std::optional<std::vector<Md5Address>> md5_peers;
  std::optional<std::string> unix_name;  // UNIX_DIAG_NAME: a leading NUL means abstract
  bool has_pending_inodes = false;       // UNIX_DIAG_ICONS came, perhaps empty
  std::uint32_t copy_threshold = 0;      // struct packet_diag_info
  RingTimes rx_times, tx_times;
  std::uint32_t first_groups = 0;        // netlink: groups 1 to 32 as bits
  std::uint32_t peer_group = 0;          // netlink
  std::optional<XdpMemory> xdp_memory;
  std::optional<XdpCounters> xdp_counters;
  std::optional<TipcAttributes> tipc;
  std::optional<ListedTcp> listed_tcp;   // listed rows
  bool dump_running = false;             // netlink, listed rows
};

struct DumpRow {
  // A row of /proc/net, of a table that could not be dumped: its cookie is the pointer that the file prints.
  bool listed = false;
  static constexpr std::uint32_t kNoSocket = 0xffffffff;

  std::uint32_t netns = 0;           // index into Snapshot::namespaces
  std::uint32_t socket = kNoSocket;  // index into Snapshot::sockets
  std::uint16_t family = 0;
  std::uint16_t protocol = 0;  // as Socket::protocol
  std::uint8_t state = 0;      // the kernel's number: a bound-inactive TCP socket is 7, an SCTP association has its own
  Endpoint local, peer;        // raw: the ports as the kernel sends them
  std::uint32_t recv_queue = 0, send_queue = 0, uid = 0;
  std::uint64_t inode = 0, cookie = 0;  // 0: none
  std::uint32_t peer_inode = 0;         // UNIX
  std::uint8_t timer = 0;
  std::uint32_t retransmits = 0, expires_msec = 0;
  SocketDetails details;
  DumpAttributes attributes;
};

// A table that was dumped to its end without error: namespace (index), family, protocol (0: of all protocols).
using DumpedTable = std::tuple<std::uint32_t, std::uint16_t, std::uint16_t>;

struct FirstDump {
  std::vector<DumpRow> rows;
  std::set<DumpedTable> tables;
  // The kernel's counters by namespace (index): "TCP.inuse" of sockstat, "Tcp.CurrEstab" of snmp.
  std::map<std::uint32_t, std::map<std::string, std::int64_t>> counters;
};

}  // namespace ssnap::model
