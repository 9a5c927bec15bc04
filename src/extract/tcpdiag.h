// Netlink dumps in the form that ss reads from the file that its environment variable TCPDIAG_FILE names (misc/ss.c,
// tcp_show_netlink_file, iproute2 6.1): netlink messages back to back, up to the first NLMSG_DONE.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace ssnap::extract {

// ss applies no state switch to such a file, so there is one for each.
enum class States : std::uint8_t {
  all,          // -a
  listening,    // -l
  established,  // neither
};

// The records of one dump, a pcap member, in its order and the host's byte order. `protocol` is 6 or 17: a UDP record
// gets an attribute INET_DIAG_PROTOCOL added, by which ss tells it from TCP. TCP sockets that are bound and neither
// listening nor connected are left out: ss 6.1 doesn't ask for them.
std::string tcpdiag_records(std::string_view pcap, std::uint8_t protocol, States states);

// What ends such a file.
std::string tcpdiag_end(base::ByteOrder order);

}  // namespace ssnap::extract
