// sock_diag dump of SMC sockets (include/uapi/linux/smc_diag.h; net/smc/smc_diag.c, Linux 4.11 to 7.x).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/net_addr.h"
#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"

namespace ssnap::decode {

// struct smc_diag_fallback: why the connection is plain TCP.
struct SmcFallback {
  std::uint32_t reason = 0, peer_diagnosis = 0;
};

struct SmcDiagRecord {
  std::uint8_t state = 0;     // SMC_*: 1 ACTIVE, 2 INIT, 7 CLOSED, 10 LISTEN, 20 PEERCLOSEWAIT1, ...
  std::uint8_t mode = 0;      // 0 SMC-R, 1 fallback to TCP, 2 SMC-D
  // The answer doesn't say which family it is: IPv4 where the last twelve bytes of both addresses are zero. An IPv6
  // socket that is bound to :: and has no peer therefore reads as 0.0.0.0.
  base::IpAddress local, peer;
  std::uint16_t local_port = 0, peer_port = 0;
  std::uint32_t interface_index = 0;  // 0: not bound to one
  std::uint64_t cookie = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  std::optional<std::uint8_t> shutdown;  // SMC_DIAG_SHUTDOWN
  std::optional<SmcFallback> fallback;   // SMC_DIAG_FALLBACK, since 4.19
  std::optional<ByteSpan> connection_info, link_group_info, dmb_info;  // not taken apart
  std::vector<UnnamedAttribute> unnamed;
  std::uint64_t offset = 0;  // of the message's nlmsghdr, in the member
};

struct SmcDiagDump {
  std::vector<SmcDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

SmcDiagDump decode_smc_diag(std::string_view bytes);

}  // namespace ssnap::decode
