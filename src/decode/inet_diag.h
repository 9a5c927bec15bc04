// sock_diag dumps of TCP, UDP, UDP-Lite, raw, ... (include/uapi/linux/inet_diag.h; net/ipv4/inet_diag.c).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net_addr.h"
#include "base/problem.h"
#include "decode/netlink_pcap.h"

namespace ssnap::decode {

// INET_DIAG_SKMEMINFO: the SK_MEMINFO_* words, bytes each. Older kernels send fewer: the rest is absent.
struct SkMeminfo {
  std::vector<std::uint32_t> words;  // rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops
};

// The attributes that this version names. Each is absent where the kernel didn't send it.
struct InetDiagAttributes {
  std::optional<std::uint8_t> tos;                // INET_DIAG_TOS
  std::optional<std::uint8_t> tclass;             // INET_DIAG_TCLASS
  std::optional<SkMeminfo> skmeminfo;             // INET_DIAG_SKMEMINFO
  std::optional<std::uint8_t> shutdown;           // INET_DIAG_SHUTDOWN: 1 receive, 2 send
  std::optional<std::uint8_t> protocol;           // INET_DIAG_PROTOCOL (raw)
  std::optional<bool> v6only;                     // INET_DIAG_SKV6ONLY
  std::optional<std::uint32_t> mark;              // INET_DIAG_MARK
  std::optional<std::uint32_t> class_id;          // INET_DIAG_CLASS_ID
  std::optional<std::uint64_t> cgroup_id;         // INET_DIAG_CGROUP_ID
  std::optional<std::uint16_t> sockopt;           // INET_DIAG_SOCKOPT: the two bytes of inet_diag_sockopt, first one low
  std::string congestion;                         // INET_DIAG_CONG; "" where absent
  std::uint32_t tcp_info_bytes = 0;               // length of INET_DIAG_INFO; 0 where absent
};

// struct inet_diag_msg and its attributes.
struct InetDiagRecord {
  std::uint8_t family = 0;
  std::uint8_t state = 0;        // kernel's number; a bound-inactive socket comes as 7, SYN_RECV as 3
  std::uint8_t timer = 0;        // idiag_timer: 0 off, 1 on, 2 keepalive, 3 timewait, 4 persist
  std::uint8_t retransmits = 0;  // idiag_retrans
  base::IpAddress local, peer;
  std::uint16_t local_port = 0, peer_port = 0;
  std::uint32_t interface_index = 0;  // 0: not bound to one
  std::uint64_t cookie = 0;
  std::uint32_t expires_msec = 0;
  std::uint32_t recv_queue = 0, send_queue = 0;  // idiag_rqueue, idiag_wqueue; LISTEN: accept queue and its limit
  std::uint32_t uid = 0;
  std::uint32_t inode = 0;  // 0: none (TIME_WAIT, SYN_RECV, orphans, not yet accepted)
  std::uint64_t offset = 0;  // of the message's nlmsghdr, in the member
  std::unique_ptr<InetDiagAttributes> attributes;  // null where the message had none
};

struct InetDiagDump {
  // From the request in the same member. family 0: TCPDIAG_GETSOCK, both families at once.
  std::optional<std::uint8_t> request_family;
  std::optional<std::uint16_t> request_protocol;  // 6 for TCPDIAG_GETSOCK
  std::vector<InetDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

// `bytes`: a member netns/INODE/netlink/... as decode_netlink_pcap reads it.
InetDiagDump decode_inet_diag(std::string_view bytes);

}  // namespace ssnap::decode
