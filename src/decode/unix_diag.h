// sock_diag dump of UNIX sockets (include/uapi/linux/unix_diag.h; net/unix/diag.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "decode/netlink_pcap.h"
#include "decode/sk_meminfo.h"

namespace ssnap::decode {

struct UnixDiagRecord {
  std::uint8_t type = 0;   // 1 stream, 2 dgram, 5 seqpacket
  std::uint8_t state = 0;  // TCP_* numbers: 1 ESTAB, 7 UNCONN, 10 LISTEN
  std::uint32_t inode = 0;  // never 0 from a kernel: sk_diag_dump passes over sockets not yet accepted
  std::uint64_t cookie = 0;
  // UNIX_DIAG_NAME as the kernel has it: a leading NUL means abstract, and every NUL counts. A path comes without the NUL
  // that the kernel ends it with.
  std::optional<std::string> name;
  std::optional<std::uint32_t> vfs_inode;     // UNIX_DIAG_VFS
  std::optional<std::uint32_t> vfs_device;    // kernel-internal dev_t: major = v >> 20, minor = v & 0xfffff
  std::optional<std::uint32_t> peer_inode;    // UNIX_DIAG_PEER
  std::vector<std::uint32_t> pending_inodes;  // UNIX_DIAG_ICONS: clients waiting in a listener's queue
  std::optional<std::uint32_t> recv_queue, send_queue;  // UNIX_DIAG_RQLEN; LISTEN: pending, backlog
  SkMeminfo skmeminfo;       // UNIX_DIAG_MEMINFO: SK_MEMINFO_* words
  std::optional<std::uint8_t> shutdown;       // UNIX_DIAG_SHUTDOWN
  std::optional<std::uint32_t> uid;           // UNIX_DIAG_UID (5.3 and later)
  std::uint64_t offset = 0;                   // of the message's nlmsghdr, in the member
};

struct UnixDiagDump {
  std::vector<UnixDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

UnixDiagDump decode_unix_diag(std::string_view bytes);

}  // namespace ssnap::decode
