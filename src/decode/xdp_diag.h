// sock_diag dump of XDP sockets (include/uapi/linux/xdp_diag.h; net/xdp/xsk_diag.c, Linux 5.1 to 7.x).
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

// struct xdp_diag_info: what the socket is bound to; both 0 before bind.
struct XdpInfo {
  std::uint32_t interface_index = 0, queue_id = 0;
};

// struct xdp_diag_umem.
struct XdpUmem {
  std::uint64_t size_bytes = 0;
  std::uint32_t id = 0, page_count = 0, chunk_size_bytes = 0, headroom_bytes = 0;
  std::uint32_t interface_index = 0, queue_id = 0;
  std::uint32_t flags = 0;  // 1: zero copy
  std::uint32_t ref_count = 0;
};

// struct xdp_diag_stats.
struct XdpStats {
  std::uint64_t rx_dropped = 0, rx_invalid = 0, rx_full = 0, fill_ring_empty = 0, tx_invalid = 0, tx_ring_empty = 0;
};

// Each attribute is absent where the kernel didn't send it. Rings: descriptors.
struct XdpDiagRecord {
  std::uint8_t type = 0;  // 3 raw
  std::uint32_t inode = 0;
  std::uint64_t cookie = 0;
  std::optional<XdpInfo> info;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> rx_ring_entries, tx_ring_entries, fill_ring_entries, completion_ring_entries;
  std::optional<XdpUmem> umem;
  std::optional<XdpStats> stats;         // since 5.9
  SkMeminfo skmeminfo;  // SK_MEMINFO_* words
  std::vector<UnnamedAttribute> unnamed;
  std::uint64_t offset = 0;  // of the message's nlmsghdr, in the member
};

struct XdpDiagDump {
  std::vector<XdpDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

XdpDiagDump decode_xdp_diag(std::string_view bytes);

}  // namespace ssnap::decode
