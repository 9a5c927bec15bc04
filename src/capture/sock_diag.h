// Dumps of the kernel's socket tables by NETLINK_SOCK_DIAG, kept as received (docs/format.md: pcap members).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "capture/diag_handlers.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// One table that can be asked for.
struct SockDiagTable {
  std::string_view name;    // of the member: netns/INODE/netlink/passN/NAME.pcap
  std::string_view source;  // in the journal
  DiagHandler handler;
  std::uint8_t family;      // 0: TCPDIAG_GETSOCK, IPv4 and IPv6 in one walk of the TCP hash
  std::uint8_t protocol;
};
const std::vector<SockDiagTable>& sock_diag_tables();

// One dump of `table` in the calling process's network namespace.
std::shared_ptr<Task> sock_diag_task(const SockDiagTable& table, std::uint64_t netns_inode, int pass);

}  // namespace ssnap::capture
