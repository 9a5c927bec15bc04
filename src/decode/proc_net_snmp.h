// The kernel's counters: /proc/net/snmp and netstat (snmp_seq_show, netstat_seq_show, net/ipv4/proc.c), pairs of lines of
// titles and values; /proc/net/snmp6 and sctp/snmp (snmp6_seq_show, net/ipv6/proc.c; sctp_snmp_seq_show, net/sctp/proc.c),
// a line each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetSnmpSection {
  std::string name;  // "Ip", "TcpExt"; "" in the files that have no sections
  // In the order of the file. A negative value (Tcp's MaxConn) is its two's complement.
  std::vector<std::pair<std::string, std::uint64_t>> values;
  std::uint64_t offset = 0;  // of the line of titles, in the member
};

base::Decoded<ProcNetSnmpSection> decode_proc_net_snmp(std::string_view bytes);
base::Decoded<ProcNetSnmpSection> decode_proc_net_snmp6(std::string_view bytes);

}  // namespace ssnap::decode
