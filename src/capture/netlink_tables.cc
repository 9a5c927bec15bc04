// Which tables are asked for, and how. Sizes and fields of the requests: include/uapi/linux/*_diag.h, rtnetlink.h.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "capture/netlink_dump.h"

namespace ssnap::capture {
namespace {

constexpr std::uint16_t kTcpdiagGetsock = 18, kDccpdiagGetsock = 19;
// NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET (include/uapi/linux/netfilter/nfnetlink*.h); its body is a struct nfgenmsg.
constexpr std::uint16_t kCtGet = 1 << 8 | 1;
constexpr std::uint32_t kAllStates = ~0u;
constexpr std::uint8_t kAllExtensions = 0xff;
constexpr std::size_t kSockidBytes = 48;  // struct inet_diag_sockid
// Families and protocols that older headers lack.
constexpr std::uint8_t kAfTipc = 30, kAfVsock = 40, kAfSmc = 43, kAfXdp = 44;
constexpr std::uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdplite = 136, kRaw = 255;
constexpr std::uint32_t kMptcp = 262;

void u8(std::string& out, std::uint8_t value) { out += static_cast<char>(value); }
void u32(std::string& out, std::uint32_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }

// struct inet_diag_req: TCPDIAG_GETSOCK walks the TCP hash once for IPv4 and IPv6; every version knows it.
std::string both_families(const NetlinkTable&) {
  std::string out(3, '\0');
  u8(out, kAllExtensions);
  out.append(kSockidBytes, '\0');
  u32(out, kAllStates);
  u32(out, 0);  // idiag_dbs
  return out;
}

// struct inet_diag_req_v2
std::string one_family(const NetlinkTable& table) {
  std::string out;
  u8(out, table.family);
  u8(out, table.protocol);
  u8(out, kAllExtensions);
  u8(out, 0);
  u32(out, kAllStates);
  out.append(kSockidBytes, '\0');
  return out;
}

// The protocol's number has no room in the request: INET_DIAG_REQ_PROTOCOL (3) holds it.
std::string mptcp(const NetlinkTable& table) {
  std::string out = one_family(table);
  const std::uint16_t header[2] = {8, 3};
  out.append(reinterpret_cast<const char*>(header), sizeof header);
  u32(out, kMptcp);
  return out;
}

// struct unix_diag_req, vsock_diag_req: family, protocol, pad, states, inode, show, cookie
template <std::uint32_t show>
std::string with_states(const NetlinkTable& table) {
  std::string out;
  u8(out, table.family);
  out.append(3, '\0');
  u32(out, kAllStates);
  u32(out, 0);
  u32(out, show);
  out.append(8, '\0');
  return out;
}

// struct packet_diag_req, netlink_diag_req, xdp_diag_req: family, protocol, pad, inode, show, cookie
template <std::uint32_t show>
std::string without_states(const NetlinkTable& table) {
  std::string out;
  u8(out, table.family);
  u8(out, table.protocol);
  out.append(2, '\0');
  u32(out, 0);
  u32(out, show);
  out.append(8, '\0');
  return out;
}

// struct smc_diag_req: family, pad, diag_ext, sockid
std::string smc(const NetlinkTable& table) {
  std::string out;
  u8(out, table.family);
  out.append(2, '\0');
  u8(out, 0x7);
  out.append(kSockidBytes, '\0');
  return out;
}

// struct tipc_sock_diag_req: family, protocol, pad, states
std::string tipc(const NetlinkTable& table) {
  std::string out;
  u8(out, table.family);
  out.append(3, '\0');
  u32(out, kAllStates);
  return out;
}

// rtnetlink: a header of zeros asks for every family.
template <std::size_t size>
std::string zeros(const NetlinkTable&) {
  return std::string(size, '\0');
}

constexpr std::size_t kInetInode = 68;  // struct inet_diag_msg, idiag_inode
constexpr std::uint8_t kIn = AF_INET, kIn6 = AF_INET6;
constexpr int kDiag = NETLINK_SOCK_DIAG;
constexpr std::uint16_t kBy = kSockDiagByFamily;
constexpr std::string_view kInet = "inet_diag";

}  // namespace

const std::vector<NetlinkTable>& socket_tables() {
  static const std::vector<NetlinkTable> kTables{
      {"inet_diag-tcp", kInet, {"tcp_diag_get_info", "tcp_diag"}, kDiag, kTcpdiagGetsock, both_families, 0, kTcp, kInetInode, true, "TCP TCPv6"},
      {"inet_diag-udp4", kInet, {"udp_diag_dump", "udp_diag"}, kDiag, kBy, one_family, kIn, kUdp, kInetInode, false, "UDP"},
      {"inet_diag-udp6", kInet, {"udp_diag_dump", "udp_diag"}, kDiag, kBy, one_family, kIn6, kUdp, kInetInode, false, "UDPv6"},
      {"unix_diag", "unix_diag", {"unix_diag_handler_dump", "unix_diag"}, kDiag, kBy, with_states<0x7f>, AF_UNIX, 0, 4, false, "UNIX UNIX-STREAM"},
      {"inet_diag-udplite4", kInet, {"udp_diag_dump", "udp_diag"}, kDiag, kBy, one_family, kIn, kUdplite, kInetInode, false, "UDP-Lite"},
      {"inet_diag-udplite6", kInet, {"udp_diag_dump", "udp_diag"}, kDiag, kBy, one_family, kIn6, kUdplite, kInetInode, false, "UDPLITEv6"},
      {"inet_diag-raw4", kInet, {"raw_diag_dump", "raw_diag"}, kDiag, kBy, one_family, kIn, kRaw, kInetInode, false, "RAW"},
      {"inet_diag-raw6", kInet, {"raw_diag_dump", "raw_diag"}, kDiag, kBy, one_family, kIn6, kRaw, kInetInode, false, "RAWv6"},
      {"inet_diag-mptcp4", kInet, {"mptcp_diag_dump", "mptcp_diag"}, kDiag, kBy, mptcp, kIn, kTcp, kInetInode, true, "MPTCP"},
      {"inet_diag-mptcp6", kInet, {"mptcp_diag_dump", "mptcp_diag"}, kDiag, kBy, mptcp, kIn6, kTcp, kInetInode, true, "MPTCPv6"},
      {"inet_diag-sctp4", kInet, {"sctp_diag_dump", "sctp_diag"}, kDiag, kBy, one_family, kIn, kSctp, kInetInode, false, "SCTP"},
      {"inet_diag-sctp6", kInet, {"sctp_diag_dump", "sctp_diag"}, kDiag, kBy, one_family, kIn6, kSctp, kInetInode, false, "SCTPv6"},
      {"inet_diag-dccp4", kInet, {"dccp_diag_dump", "dccp_diag"}, kDiag, kBy, one_family, kIn, kDccp, kInetInode, false, "DCCP"},
      {"inet_diag-dccp6", kInet, {"dccp_diag_dump", "dccp_diag"}, kDiag, kBy, one_family, kIn6, kDccp, kInetInode, false, "DCCPv6"},
      {"inet_diag-dccp", kInet, {"dccp_diag_get_info", "dccp_diag"}, kDiag, kDccpdiagGetsock, both_families, 0, kDccp, kInetInode, false, "DCCP DCCPv6", true},
      {"packet_diag", "packet_diag", {"packet_diag_handler_dump", "af_packet_diag"}, kDiag, kBy, without_states<0x3f>, AF_PACKET, 0, 4, false, "PACKET"},
      {"netlink_diag", "netlink_diag", {"netlink_diag_handler_dump", "netlink_diag"}, kDiag, kBy, without_states<0x0f>, AF_NETLINK, 255, 16, false, "NETLINK"},
      {"vsock_diag", "vsock_diag", {"vsock_diag_handler_dump", "vsock_diag"}, kDiag, kBy, with_states<0>, kAfVsock, 0, 20, false, "AF_VSOCK"},
      {"xdp_diag", "xdp_diag", {"xsk_diag_handler_dump", "xsk_diag"}, kDiag, kBy, without_states<0x1f>, kAfXdp, 0, 4, false, "XDP"},
      {"tipc_diag", "tipc_diag", {"tipc_sock_diag_handler_dump", "tipc_diag"}, kDiag, kBy, tipc, kAfTipc, 0, 0, false, "TIPC"},
      {"smc_diag", "smc_diag", {"smc_diag_handler_dump", "smc_diag"}, kDiag, kBy, smc, kAfSmc, 0, 56, false, "SMC"},
  };
  return kTables;
}

const std::vector<NetlinkTable>& route_tables() {
  static const std::vector<NetlinkTable> kTables{
      {"rtnetlink-link", "rtnetlink", {"", ""}, NETLINK_ROUTE, RTM_GETLINK, zeros<16>, 0, 0, 0, false, ""},
      {"rtnetlink-addr", "rtnetlink", {"", ""}, NETLINK_ROUTE, RTM_GETADDR, zeros<8>, 0, 0, 0, false, ""},
      {"rtnetlink-route", "rtnetlink", {"", ""}, NETLINK_ROUTE, RTM_GETROUTE, zeros<12>, 0, 0, 0, false, ""},
      {"rtnetlink-rule", "rtnetlink", {"", ""}, NETLINK_ROUTE, RTM_GETRULE, zeros<12>, 0, 0, 0, false, ""},
      {"rtnetlink-neigh", "rtnetlink", {"", ""}, NETLINK_ROUTE, RTM_GETNEIGH, zeros<12>, 0, 0, 0, false, ""},
      // Of connection tracking that is there already: the look for its handler has found it, so that nothing is loaded.
      {"conntrack", "conntrack", {"ctnetlink_dump_table", "nf_conntrack_netlink"}, NETLINK_NETFILTER, kCtGet, zeros<4>, 0, 0, 0, false, ""},
      {"rtnetlink-nsid", "rtnetlink", {"", ""}, NETLINK_ROUTE, RTM_GETNSID, zeros<4>, 0, 0, 0, false, ""},
  };
  return kTables;
}

}  // namespace ssnap::capture
