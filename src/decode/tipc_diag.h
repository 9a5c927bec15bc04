// sock_diag dump of TIPC sockets (include/uapi/linux/tipc_netlink.h; net/tipc/diag.c and tipc_sk_fill_sock_diag of
// net/tipc/socket.c, Linux 4.17 to 7.x). An answer has no structure of its own: it is one nested TIPC_NLA_SOCK.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"

namespace ssnap::decode {

// TIPC_NLA_SOCK_CON: the other end of a connection.
struct TipcConnection {
  std::optional<std::uint32_t> peer_node, peer_port;
  std::optional<std::uint32_t> service_type, service_instance;  // where it was connected by name
};

// Each is absent where the kernel didn't send it.
struct TipcDiagRecord {
  std::optional<std::uint32_t> type;   // 1 stream, 2 dgram, 4 rdm, 5 seqpacket
  std::optional<std::uint32_t> state;  // TIPC_*: 1 ESTABLISHED, 7 OPEN, 10 LISTEN, 8 DISCONNECTING, 2 CONNECTING
  std::optional<std::uint32_t> node;   // TIPC_NLA_SOCK_ADDR: the own node
  std::optional<std::uint32_t> port;   // TIPC_NLA_SOCK_REF
  std::optional<std::uint32_t> inode, uid;
  std::optional<std::uint64_t> cookie;
  bool published = false;  // TIPC_NLA_SOCK_HAS_PUBL: bound to a service
  std::optional<TipcConnection> connection;
  std::optional<std::uint32_t> recv_queue, send_queue, drops;  // TIPC_NLA_SOCK_STAT: messages
  bool link_congested = false, connection_congested = false;
  std::optional<ByteSpan> group;         // TIPC_NLA_SOCK_GROUP, not taken apart
  std::vector<UnnamedAttribute> unnamed;  // of every level
  std::uint64_t offset = 0;               // of the message's nlmsghdr, in the member
};

struct TipcDiagDump {
  std::vector<TipcDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

TipcDiagDump decode_tipc_diag(std::string_view bytes);

}  // namespace ssnap::decode
