// Dumps of NETLINK_ROUTE that tell where a socket can be reached: links, addresses, namespace ids
// (include/uapi/linux/{rtnetlink,if_link,if_addr,net_namespace}.h; net/core/rtnetlink.c, net/ipv4/devinet.c,
// net/ipv6/addrconf.c, net/core/net_namespace.c, Linux 2.6.18 to 7.x).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net_addr.h"
#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"

namespace ssnap::decode {

// RTM_NEWLINK: struct ifinfomsg. Each attribute is absent where the kernel didn't send it.
struct RtLink {
  std::uint32_t index = 0;
  std::uint16_t hardware_type = 0;  // ARPHRD_*: 1 ethernet, 772 loopback, 65534 none
  std::uint32_t flags = 0;          // IFF_*: 1 up, 8 loopback, 0x40 running, 0x100 promiscuous
  std::optional<std::string> name;
  std::optional<std::string> kind;  // IFLA_INFO_KIND: veth, bridge, vxlan, wireguard, ...; none for hardware
  std::optional<std::uint32_t> mtu_bytes;
  std::optional<std::uint32_t> master_index;      // bridge, bond or VRF that it belongs to
  std::optional<std::uint32_t> link_index;        // IFLA_LINK: the other end, or the device below
  std::optional<std::int32_t> link_netns_id;      // IFLA_LINK_NETNSID: the namespace of link_index, where it is another
  std::optional<std::string> address, broadcast;  // hardware addresses, bytes
  std::optional<std::uint32_t> promiscuity;       // how many want it promiscuous
  std::optional<std::uint8_t> operational_state;  // IF_OPER_*: 0 unknown, 2 down, 6 up
  std::vector<std::string> alternative_names;
  std::optional<std::uint16_t> tunnel_port;  // UDP port of a vxlan, geneve or bareudp, whose socket has no process
  std::optional<ByteSpan> info_data;         // IFLA_INFO_DATA, otherwise not taken apart
  std::uint64_t offset = 0;                  // of the message's nlmsghdr, in the member
};

// RTM_NEWADDR: struct ifaddrmsg. On a point-to-point link `local` is this end and `address` the other; IPv6 sends `local`
// only there.
struct RtAddress {
  std::uint8_t family = 0;  // 2 or 10
  std::uint8_t prefix_length = 0;
  std::uint8_t scope = 0;  // 0 global, 253 link, 254 host
  std::uint32_t interface_index = 0;
  std::uint32_t flags = 0;  // IFA_F_*: 0x01 secondary or temporary, 0x40 tentative, 0x80 permanent
  std::optional<base::IpAddress> address, local, broadcast;
  std::optional<std::string> label;
  std::uint64_t offset = 0;
};

// RTM_NEWNSID: struct rtgenmsg.
struct RtNsid {
  std::optional<std::int32_t> nsid;          // NETNSA_NSID; -1: not assigned
  std::optional<std::int32_t> current_nsid;  // NETNSA_CURRENT_NSID
  std::optional<std::uint32_t> pid, fd;      // NETNSA_PID, NETNSA_FD: never in a dump, only in an answer to them
  std::uint64_t offset = 0;
};

struct RtnetlinkDump {
  std::vector<RtLink> links;
  std::vector<RtAddress> addresses;
  std::vector<RtNsid> nsids;
  std::uint64_t other_messages = 0;  // routes, rules, neighbours, ...: kept in the member, not decoded
  DumpEnd end;
  base::Problems problems;
};

RtnetlinkDump decode_rtnetlink(std::string_view bytes);

}  // namespace ssnap::decode
