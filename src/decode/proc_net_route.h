// /proc/net/route (fib_route_seq_show, net/ipv4/fib_trie.c) and ipv6_route (rt6_info_route, ipv6_route_native_seq_show,
// net/ipv6/ip6_fib.c): the routing table of IPv4, that is main and local without what only `ip rule` leads to, and all of IPv6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "base/net_addr.h"
#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetRouteRow {
  base::IpAddress destination, gateway;
  base::IpAddress mask;            // IPv4
  std::uint32_t prefix_length = 0;  // IPv6
  std::uint32_t flags = 0;          // RTF_* (include/uapi/linux/{route,ipv6_route}.h)
  std::uint32_t metric = 0, ref_count = 0, use = 0;  // as printed; IPv4 prints them signed
  std::uint32_t mtu_bytes = 0, window_bytes = 0, irtt = 0;  // IPv4
  std::string interface;           // "*": none (a blackhole)
  std::uint64_t offset = 0;        // of the row, in the member
};

// `order`: of the captured host; addresses are printed as its integers.
base::Decoded<ProcNetRouteRow> decode_proc_net_route(std::string_view bytes, base::ByteOrder order);
base::Decoded<ProcNetRouteRow> decode_proc_net_ipv6_route(std::string_view bytes);

}  // namespace ssnap::decode
