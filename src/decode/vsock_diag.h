// sock_diag dump of vsock sockets (include/uapi/linux/vm_sockets_diag.h; net/vmw_vsock/diag.c, Linux 4.15 to 7.x).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"

namespace ssnap::decode {

// struct vsock_diag_msg. CID and port 0xffffffff: any (VMADDR_CID_ANY, VMADDR_PORT_ANY).
struct VsockDiagRecord {
  std::uint8_t type = 0;      // 1 stream, 2 dgram, 5 seqpacket
  std::uint8_t state = 0;     // TCP_* number
  std::uint8_t shutdown = 0;  // 1 receive, 2 send
  std::uint32_t local_cid = 0, local_port = 0, peer_cid = 0, peer_port = 0;
  std::uint32_t inode = 0;
  std::uint64_t cookie = 0;
  std::vector<UnnamedAttribute> unnamed;  // this version knows none
  std::uint64_t offset = 0;               // of the message's nlmsghdr, in the member
};

struct VsockDiagDump {
  std::vector<VsockDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

VsockDiagDump decode_vsock_diag(std::string_view bytes);

}  // namespace ssnap::decode
