// /proc/PID/fdinfo/FD: what a descriptor's own file tells about itself, as far as it leads to sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace ssnap::decode {

// A file in the table of an io_uring (__io_uring_show_fdinfo, io_uring/fdinfo.c): "    0: socket:[4711]" in 6.18; in older
// kernels "    0: TCP", the name of the file's dentry, which for a socket is its protocol's (struct proto).
struct RegisteredFile {
  std::uint32_t place = 0;
  std::string name;                    // as printed
  std::optional<std::uint64_t> inode;  // of socket:[N]
};

struct ProcPidFdinfo {
  // io_uring: how many places its table has ("UserFiles:"). Absent: no ring, or a busy one: the kernel then leaves out this
  // line, or all that a ring has (trylock).
  std::optional<std::uint64_t> user_files;
  std::vector<RegisteredFile> registered;  // places that are taken, ascending
  bool is_ring = false;                    // it has a line that only an io_uring has
  // UNIX sockets (unix_show_fdinfo, net/unix/af_unix.c, since 5.6): descriptors in messages that wait in its queue; of a
  // listener those in the queues of connections that wait to be accepted.
  std::optional<std::uint64_t> scm_fds;
  base::Problems problems;
};

// Each line that is not as expected is a problem and is passed over; unknown lines are none.
ProcPidFdinfo decode_proc_pid_fdinfo(std::string_view bytes);

}  // namespace ssnap::decode
