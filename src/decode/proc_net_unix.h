// /proc/net/unix (unix_seq_show, net/unix/af_unix.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetUnixRow {
  std::uint64_t pointer = 0;        // Num: the kernel's, hashed since 4.15
  std::uint8_t pointer_digits = 0;  // as printed: 8 or 16; 0: no number was
  std::uint32_t ref_count = 0;
  std::uint32_t flags = 0;      // 0x10000: __SO_ACCEPTCON, a listener
  std::uint16_t type = 0;       // 1 stream, 2 dgram, 5 seqpacket
  std::uint8_t socket_state = 0;  // enum socket_state: 1 SS_UNCONNECTED, 2 SS_CONNECTING, 3 SS_CONNECTED
  std::uint64_t inode = 0;      // 0: not yet accepted
  // As printed: an abstract name begins with '@' and has '@' for every NUL. Any user can put a newline into a name and
  // so forge the next row: names are to be taken from UNIX_DIAG_NAME where there is one.
  std::optional<std::string> path;
  std::uint64_t offset = 0;     // of the row, in the member
};

base::Decoded<ProcNetUnixRow> decode_proc_net_unix(std::string_view bytes);

}  // namespace ssnap::decode
