// A netlink conversation as the archive keeps it: a pcap file (nanosecond magic) of LINKTYPE_NETLINK (253), so that
// datagram boundaries and times survive and tcpdump and Wireshark read it too. The pcap headers are in the byte order
// of the machine that wrote them, which the magic tells; so are the netlink messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/problem.h"

namespace ssnap::decode {

struct NetlinkDatagram {
  bool to_kernel = false;          // cooked header's packet type 4 (outgoing): the request
  std::int64_t realtime_nsec = 0;  // CLOCK_REALTIME
  std::string_view bytes;          // the netlink messages
  std::uint64_t offset = 0;        // of `bytes`, in the member
  bool cut = false;                // the record, or the datagram when it was received, was longer than what is here
};

struct NetlinkPcap {
  base::ByteOrder order = base::ByteOrder::little;
  std::vector<NetlinkDatagram> datagrams;
  base::Problems problems;
};

NetlinkPcap decode_netlink_pcap(std::string_view bytes);

// How the kernel ended a dump.
struct DumpEnd {
  bool done = false;         // NLMSG_DONE or NLMSG_ERROR came
  int errno_number = 0;      // of NLMSG_ERROR, or inside NLMSG_DONE's payload (positive; ENOENT: not supported)
  bool interrupted = false;  // NLM_F_DUMP_INTR in any message: the table changed while it was read
  std::uint32_t port_id = 0;  // nlmsg_pid of the answer: the asking socket's own; 0 where none came
};

}  // namespace ssnap::decode
