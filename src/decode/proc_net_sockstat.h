// /proc/net/sockstat and sockstat6 (sockstat_seq_show, net/ipv4/proc.c; sockstat6_seq_show, net/ipv6/proc.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

// "TCP: inuse 3 orphan 0 tw 2 alloc 5 mem 1" is five rows. `sockets: used` counts every family of the namespace; alloc,
// mem and orphan are the whole host's.
struct ProcNetSockstatRow {
  std::string section;  // sockets, TCP, UDP, UDPLITE, RAW, FRAG; TCP6, ...
  std::string key;
  std::int64_t value = 0;
  std::uint64_t offset = 0;  // of the key, in the member
};

base::Decoded<ProcNetSockstatRow> decode_proc_net_sockstat(std::string_view bytes);

// One counter of /proc/net/snmp (snmp_seq_show, net/ipv4/proc.c), where a line of names stands above one of values:
// decode_proc_net_snmp_value(bytes, "Tcp", "CurrEstab"). nullopt where there is none.
std::optional<std::int64_t> decode_proc_net_snmp_value(std::string_view bytes, std::string_view section,
                                                       std::string_view key);

}  // namespace ssnap::decode
