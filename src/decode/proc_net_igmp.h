// /proc/net/igmp (igmp_mc_seq_show, net/ipv4/igmp.c) and igmp6 (igmp6_mc_seq_show, net/ipv6/mcast.c): the multicast groups
// that each interface is a member of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "base/net_addr.h"
#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetIgmpRow {
  std::string interface;
  base::IpAddress group;
  std::uint32_t users = 0;
  std::uint64_t offset = 0;  // of the group's row, in the member
};

// `order`: of the captured host; groups are printed as its integers.
base::Decoded<ProcNetIgmpRow> decode_proc_net_igmp(std::string_view bytes, base::ByteOrder order);
base::Decoded<ProcNetIgmpRow> decode_proc_net_igmp6(std::string_view bytes);

}  // namespace ssnap::decode
