#include "model/names.h"

#include <array>

#include "model/finding.h"
#include "model/socket.h"

namespace ssnap::model {
namespace {

struct Named {
  std::uint16_t number;
  std::string_view name;
};

constexpr Named kFamilies[] = {
    {1, "unix"},    {2, "inet"},  {10, "inet6"}, {15, "key"},  {16, "netlink"}, {17, "packet"}, {29, "can"},
    {30, "tipc"},   {31, "bluetooth"}, {38, "alg"}, {40, "vsock"}, {41, "kcm"}, {42, "qipcrtr"}, {43, "smc"}, {44, "xdp"},
    {45, "mctp"},
};

constexpr Named kProtocols[] = {
    {kProtocolIcmp, "icmp"}, {kProtocolTcp, "tcp"}, {kProtocolUdp, "udp"}, {33, "dccp"},  {kProtocolIcmp6, "icmp"},
    {132, "sctp"}, {kProtocolUdplite, "udplite"}, {kProtocolRaw, "raw"}, {kProtocolMptcp, "mptcp"},
};

constexpr Named kTypes[] = {
    {kTypeUntold, "unknown"}, {kSocketStream, "stream"}, {kSocketDgram, "dgram"}, {3, "raw"}, {4, "rdm"}, {kSocketSeqpacket, "seqpacket"},
    {10, "packet"},
};

// include/uapi/linux/netlink.h, in the words of ss's table of netlink protocols.
constexpr Named kNetlinkProtocols[] = {
    {0, "route"},    {2, "usersock"}, {3, "firewall"},   {4, "sock_diag"},  {5, "nflog"},     {6, "xfrm"},
    {7, "selinux"},  {8, "iscsi"},    {9, "audit"},      {10, "fib_lookup"}, {11, "connector"}, {12, "netfilter"},
    {13, "ip6_fw"},  {14, "dnrtmsg"}, {15, "uevent"},    {16, "generic"},   {18, "scsitransport"}, {19, "ecryptfs"},
    {20, "rdma"},    {21, "crypto"},  {22, "smc"},
};

constexpr std::array<std::string_view, 16> kStates{
    "UNKNOWN",    "ESTAB",  "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
    "UNCONN",     "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING",    "SYN-RECV",   "BOUND-INACTIVE",
    "PARTOPEN",   "PASSIVE-CLOSEREQ",
};

constexpr std::array<std::string_view, 5> kTimers{"off", "on", "keepalive", "timewait", "persist"};

constexpr Named kIpProtocols[] = {
    {0, "ip"},    {1, "icmp"},   {2, "igmp"}, {4, "ipencap"}, {6, "tcp"},       {17, "udp"},  {41, "ipv6"},
    {46, "rsvp"}, {47, "gre"},   {50, "esp"}, {51, "ah"},     {58, "ipv6-icmp"}, {89, "ospf"}, {103, "pim"},
    {108, "ipcomp"}, {112, "vrrp"}, {115, "l2tp"}, {132, "sctp"}, {136, "udplite"}, {255, "raw"},
};

template <std::size_t N>
std::string_view find_name(const Named (&table)[N], std::uint16_t number) {
  for (const auto& row : table)
    if (row.number == number) return row.name;
  return "";
}

}  // namespace

std::string_view family_name(std::uint16_t family) { return find_name(kFamilies, family); }

std::string_view protocol_name(std::uint16_t family, std::uint16_t protocol) {
  if (family == kFamilyInet || family == kFamilyInet6) return find_name(kProtocols, protocol);
  if (family == kFamilyNetlink) return protocol == kNetlinkProtocolUntold ? "unknown" : find_name(kNetlinkProtocols, protocol);
  return find_name(kTypes, protocol);
}

std::string_view state_name(std::uint8_t state) { return state < kStates.size() ? kStates[state] : ""; }
std::string_view timer_name(std::uint8_t timer) { return timer < kTimers.size() ? kTimers[timer] : ""; }
std::string_view ip_protocol_name(std::uint16_t protocol) { return find_name(kIpProtocols, protocol); }

namespace {

template <class Enum, std::size_t N>
std::string_view enum_name(const std::array<std::string_view, N>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : "";
}

}  // namespace

std::string_view view_name(View view) {
  static constexpr std::array<std::string_view, kViewCount> kNames{
      "inet_diag",       "unix_diag",        "proc_net_tcp",      "proc_net_tcp6",    "proc_net_udp",
      "proc_net_udp6",   "proc_net_udplite", "proc_net_udplite6", "proc_net_raw",     "proc_net_raw6",
      "proc_net_icmp",   "proc_net_icmp6",   "proc_net_unix",     "packet_diag",      "netlink_diag",
      "vsock_diag",      "xdp_diag",         "tipc_diag",         "smc_diag",         "proc_net_packet",
      "proc_net_netlink", "proc_net_sctp",   "sockprotoname"};
  return enum_name(kNames, view);
}

std::string_view via_name(Via via) {
  static constexpr std::array<std::string_view, 6> kNames{"fd",   "thread-fd", "io_uring",
                                                          "mmap", "in-flight", "listener"};
  return enum_name(kNames, via);
}

std::string_view certainty_name(Certainty certainty) {
  static constexpr std::array<std::string_view, 3> kNames{"certain", "probable", "possible"};
  return enum_name(kNames, certainty);
}

std::string_view origin_name(Origin origin) {
  static constexpr std::array<std::string_view, 4> kNames{"creator", "inherited", "passed", "unknown"};
  return enum_name(kNames, origin);
}

std::string_view clue_name(Clue clue) {
  static constexpr std::array<std::string_view, kClueCount> kNames{
      "ancestor-holds", "parent-held",   "same-fd",      "other-fd",   "standard-stream",
      "activation",     "never-executed", "unix-channel", "no-kinship", "started-first",
      "same-uid",       "same-cgroup",   "same-netns",   "others-descend", "same-session"};
  return enum_name(kNames, clue);
}

std::string_view tie_name(Tie tie) {
  static constexpr std::array<std::string_view, 7> kNames{"peer",    "server", "client", "listener",
                                                          "pending", "parent", "subflow"};
  return enum_name(kNames, tie);
}

std::string_view presence_name(Presence presence) {
  static constexpr std::array<std::string_view, 3> kNames{"throughout", "came", "went"};
  return enum_name(kNames, presence);
}

std::string_view ownerless_name(OwnerlessCode code) {
  static constexpr std::array<std::string_view, 9> kNames{
      "time-wait", "request", "orphan", "kernel", "unreadable", "gone", "other-pid-namespace", "uncertain", "unexplained"};
  return enum_name(kNames, code);
}

std::string_view severity_name(Severity severity) {
  static constexpr std::array<std::string_view, 4> kNames{"info", "low", "medium", "high"};
  return enum_name(kNames, severity);
}

std::string_view finding_level_name(FindingLevel level) {
  static constexpr std::array<std::string_view, 3> kNames{"difference", "explained", "finding"};
  return enum_name(kNames, level);
}

}  // namespace ssnap::model
