// /proc/PID/maps (show_map_vma, fs/proc/task_mmu.c), as far as it leads to sockets.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace ssnap::decode {

// "7f1c2e200000-7f1c2e240000 rw-s 00000000 00:08 4711                       socket:[4711]": the ring of a packet or XDP
// socket, or the window of a TCP socket's zero-copy receive; it lives on when the fd is closed.
struct ProcPidMaps {
  std::vector<std::uint64_t> socket_inodes;  // ascending, each once
  bool io_uring = false;                     // a mapping of "anon_inode:[io_uring]"
  base::Problems problems;
};

// Paths end at the line's end; the kernel escapes a newline in them.
ProcPidMaps decode_proc_pid_maps(std::string_view bytes);

}  // namespace ssnap::decode
