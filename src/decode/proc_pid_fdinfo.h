// /proc/PID/fdinfo/FD: what a descriptor's own file tells about itself, as far as it leads to sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace ssnap::decode {

// A file in the table of an io_uring (io_uring_show_fdinfo, io_uring/fdinfo.c): "    0: socket:[4711]" since 6.18; before,
// "    0: TCP", the name of the file's dentry, which for a socket is its protocol.
struct RegisteredFile {
  std::uint32_t place = 0;
  std::string name;                    // as printed
  std::optional<std::uint64_t> inode;  // of socket:[N]
};

struct ProcPidFdinfo {
  // io_uring: how many places its table has ("UserFiles:"); absent: no ring, or the kernel left it out because the ring
  // was busy at that moment (trylock).
  std::optional<std::uint64_t> user_files;
  std::vector<RegisteredFile> registered;  // places that are taken, ascending
  bool is_ring = false;                    // it has lines that only an io_uring has ("SqMask:", "SqEntries:", ...)
  std::optional<std::uint64_t> scm_fds;    // UNIX sockets (unix_show_fdinfo, net/unix/af_unix.c, since 5.4): descriptors waiting in its queue
  base::Problems problems;
};

// Each line that is not as expected is a problem and is passed over; unknown lines are none.
ProcPidFdinfo decode_proc_pid_fdinfo(std::string_view bytes);

}  // namespace ssnap::decode
