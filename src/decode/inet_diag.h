// sock_diag dumps of TCP, UDP, UDP-Lite, raw, ... (include/uapi/linux/inet_diag.h; net/ipv4/inet_diag.c).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net_addr.h"
#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"
#include "decode/sk_meminfo.h"

namespace ssnap::decode {

// struct inet_diag_meminfo, bytes.
struct InetDiagMeminfo {
  std::uint32_t rmem = 0, wmem_queued = 0, fmem = 0, tmem = 0;
};

// INET_DIAG_VEGASINFO, _DCTCPINFO, _BBRINFO: the congestion control's own numbers, not taken apart.
struct CongestionInfo {
  std::uint16_t attribute_type = 0;  // 3 vegas (and others that borrow its form), 9 dctcp, 16 bbr
  ByteSpan bytes;
};

// One struct sockaddr_storage of INET_DIAG_LOCALS and INET_DIAG_PEERS.
struct SocketAddress {
  std::uint16_t family = 0;  // 2 or 10
  base::IpAddress address;   // none where the family is another
  std::uint16_t port = 0;
  std::uint32_t scope_id = 0;  // IPv6 only
};

// INET_ULP_INFO_TLS (net/tls/tls_main.c): enums of include/uapi/linux/tls.h.
struct TlsUlpInfo {
  std::optional<std::uint16_t> version;             // 0x0303 TLS 1.2, 0x0304 TLS 1.3
  std::optional<std::uint16_t> cipher;              // 51 AES-GCM-128, 52 AES-GCM-256, ...
  std::optional<std::uint16_t> tx_mode, rx_mode;    // TLS_CONF_*: 1 base, 2 software, 3 device
  std::optional<std::uint16_t> tx_max_payload_bytes;
  bool zero_copy_sendfile = false, rx_no_padding = false;
};

// INET_ULP_INFO_MPTCP (net/mptcp/diag.c): a TCP socket that is a subflow.
struct MptcpSubflowInfo {
  std::optional<std::uint32_t> remote_token, local_token;  // the local one names the MPTCP socket (mptcp_info's token)
  std::optional<std::uint32_t> relative_write_sequence;
  std::optional<std::uint64_t> map_sequence;
  std::optional<std::uint32_t> map_subflow_sequence, subflow_sequence_offset;
  std::optional<std::uint16_t> map_data_length;
  std::optional<std::uint32_t> flags;  // MPTCP_SUBFLOW_FLAG_*: 1 and 2 MP_CAPABLE, 4 and 8 MP_JOIN, 0x80 connected, ...
  std::optional<std::uint8_t> remote_id, local_id;
};

// INET_DIAG_ULP_INFO.
struct UlpInfo {
  std::optional<std::string> name;  // tls, mptcp, espintcp, smc, ...
  std::optional<TlsUlpInfo> tls;
  std::optional<MptcpSubflowInfo> mptcp;
};

// One struct tcp_diag_md5sig of INET_DIAG_MD5SIG. The key itself is never read.
struct Md5Peer {
  std::uint8_t family = 0;  // 2 or 10
  std::uint8_t prefix_length = 0;
  std::uint16_t key_length_bytes = 0;
  base::IpAddress address;
  bool key_is_zero = false;  // all of its field: it was withheld when it was captured
};

// What few sockets have.
struct InetDiagExtras {
  std::optional<UlpInfo> ulp;
  std::vector<SocketAddress> locals, peers;  // SCTP
  std::optional<std::vector<Md5Peer>> md5_peers;
  std::optional<ByteSpan> bpf_storages;  // INET_DIAG_SK_BPF_STORAGES, not taken apart
  std::vector<UnnamedAttribute> unnamed;  // of every level
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
  // INET_DIAG_INFO: tcp_info (TCP, DCCP), mptcp_info or sctp_info by the dump's protocol; tcp_info.h reads its bytes.
  std::optional<ByteSpan> info;
  std::optional<InetDiagMeminfo> meminfo;         // INET_DIAG_MEMINFO
  std::optional<CongestionInfo> congestion_info;
  std::unique_ptr<InetDiagExtras> extras;         // null where the socket has none of them
};

// struct inet_diag_msg and its attributes. SCTP: one row per endpoint and one per association, which share cookie and
// inode; an association has peers, and its state is enum sctp_state (3 established), not TCP's.
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
// `on_row`: called after each row that was added, the last of the dump's, while the bytes that it points at are there.
InetDiagDump decode_inet_diag(std::string_view bytes, const std::function<void(const InetDiagDump&)>& on_row = {});

}  // namespace ssnap::decode
