// sock_diag dump of netlink sockets (include/uapi/linux/netlink_diag.h; net/netlink/diag.c, Linux 3.10 to 7.x).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"
#include "decode/sk_meminfo.h"

namespace ssnap::decode {

// struct netlink_diag_ring: memory-mapped netlink, gone since 4.6.
struct NetlinkRing {
  std::uint32_t block_size_bytes = 0, block_count = 0, frame_size_bytes = 0, frame_count = 0;
};

// A socket that is subscribed to groups comes twice in one dump, with the same inode and cookie: both are kept.
struct NetlinkDiagRecord {
  std::uint8_t type = 0;      // 2 dgram, 3 raw
  std::uint8_t protocol = 0;  // NETLINK_ROUTE 0, ...
  std::uint8_t state = 0;     // sk_state: 7 never connected, 1 connected, 0 disconnected again
  std::uint32_t port_id = 0;  // 0: the kernel's own socket
  std::uint32_t peer_port_id = 0, peer_group = 0;
  std::uint32_t inode = 0;  // 0: the kernel's
  std::uint64_t cookie = 0;
  // NETLINK_DIAG_GROUPS: the numbers of the multicast groups (RTNLGRP_LINK 1, ...), ascending, however many there are.
  // Absent where the kernel didn't send the bitmap; empty where no bit of it is set.
  std::optional<std::vector<std::uint32_t>> groups;
  std::optional<std::uint32_t> flags;  // NDIAG_FLAG_*: 1 dump running, 2 pktinfo, 4 broadcast error, 8 no ENOBUFS, ...
  std::optional<NetlinkRing> rx_ring, tx_ring;
  SkMeminfo skmeminfo;  // SK_MEMINFO_* words
  std::vector<UnnamedAttribute> unnamed;
  std::uint64_t offset = 0;  // of the message's nlmsghdr, in the member
};

struct NetlinkDiagDump {
  std::vector<NetlinkDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

// `word_bytes`: 8 or 4, the kernel's unsigned long, of which the bitmap is made. It only matters with a big-endian one.
NetlinkDiagDump decode_netlink_diag(std::string_view bytes, unsigned word_bytes = 8);

}  // namespace ssnap::decode
