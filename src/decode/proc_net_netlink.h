// /proc/net/netlink (netlink_native_seq_show, net/netlink/af_netlink.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetNetlinkRow {
  std::uint64_t pointer = 0;       // hashed since 4.15; 0: hidden
  std::uint8_t protocol = 0;       // `Eth`: NETLINK_ROUTE 0, ...
  std::uint32_t port_id = 0;       // `Pid`; 0: the kernel's own socket
  std::uint32_t first_groups = 0;  // `Groups`: groups 1 to 32 as bits; later ones are only in netlink_diag
  std::uint32_t rmem_bytes = 0, wmem_bytes = 0;
  bool dump_running = false;       // `Dump`: 0 or 1; a pointer in older kernels
  std::uint32_t ref_count = 0;     // `Locks`
  std::optional<std::uint32_t> drops;   // absent in older kernels
  std::optional<std::uint64_t> inode;   // absent in older kernels
  std::uint64_t offset = 0;        // of the row, in the member
};

base::Decoded<ProcNetNetlinkRow> decode_proc_net_netlink(std::string_view bytes);

}  // namespace ssnap::decode
