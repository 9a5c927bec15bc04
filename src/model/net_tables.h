// The tables of /proc/net that are not about sockets: what netstat -i, -r, -g and -s print.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/net_addr.h"

namespace ssnap::model {

struct InterfaceCounters {
  std::string name;
  std::uint64_t rx_packets = 0, rx_errors = 0, rx_dropped = 0, rx_fifo = 0;
  std::uint64_t tx_packets = 0, tx_errors = 0, tx_dropped = 0, tx_fifo = 0;
};

struct Interface {
  std::string name;
  std::uint32_t flags = 0;  // IFF_*
  std::optional<std::uint32_t> mtu_bytes{};
  std::uint32_t index = 0;
  std::optional<std::uint32_t> promiscuity{};  // how many want it promiscuous
};

struct InterfaceAddress {
  std::uint32_t interface_index = 0;
  base::IpAddress address;  // this end
  std::uint8_t prefix_length = 0;
  std::uint32_t flags = 0;  // IFA_F_*
};

struct Route {
  base::IpAddress destination, gateway;
  base::IpAddress mask;             // IPv4
  std::uint32_t prefix_length = 0;  // IPv6
  std::uint32_t flags = 0;          // RTF_*
  std::uint32_t metric = 0, ref_count = 0, use = 0;
  std::uint32_t mtu_bytes = 0, window_bytes = 0, irtt = 0;  // IPv4
  std::string interface;
};

struct GroupMembership {
  std::string interface;
  base::IpAddress group;
  std::uint32_t users = 0;
};

// A row of /proc/net/sctp/eps (no peers and queues) or assocs.
struct SctpRow {
  std::uint32_t state = 0;  // of the socket, TCP_* number
  std::uint32_t recv_queue = 0, send_queue = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  std::uint16_t local_port = 0, peer_port = 0;
  std::vector<base::IpAddress> locals, peers;
};

struct CounterSection {
  std::string name;
  std::vector<std::pair<std::string, std::uint64_t>> values;
};

// Of one network namespace, each in the order of its file; absent where the file was.
struct NetTables {
  std::optional<std::vector<InterfaceCounters>> counters;   // dev
  std::vector<Interface> interfaces;                        // rtnetlink
  std::vector<InterfaceAddress> addresses;                  // rtnetlink
  std::set<std::string> labels;                             // of IPv4 addresses: "eth0", "eth0:1"
  std::optional<std::vector<Route>> routes, routes6;        // route, ipv6_route
  std::optional<std::vector<GroupMembership>> groups, groups6;          // igmp, igmp6
  std::optional<std::vector<SctpRow>> sctp_endpoints, sctp_associations;  // sctp/eps, sctp/assocs
  std::optional<std::vector<CounterSection>> snmp, netstat, snmp6, sctp_snmp;
};

}  // namespace ssnap::model
