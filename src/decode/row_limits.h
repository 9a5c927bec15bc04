// The limits that decoders share.
#pragma once

#include <cstddef>

namespace ssnap::decode {

// Rows of one member. More sockets than any host can hold in one table (a TCP socket costs the kernel over 2
// KiB, so this many would be 32 GiB of them): beyond it a member is damaged or made up, and the rest is a
// problem, not memory.
constexpr std::size_t kMaxRows = std::size_t{1} << 24;

// Text that is told with each socket or process that it belongs to, however many these are: longer than the kernel makes
// it, it would be told as often. Cut to this, with a problem.
constexpr std::size_t kMaxUnixNameBytes = 256;   // sun_path has 108 (include/uapi/linux/un.h)
constexpr std::size_t kMaxCommBytes = 64;        // of a kernel worker (proc_task_name, fs/proc/array.c); others 15
constexpr std::size_t kMaxPathBytes = 4096;      // PATH_MAX: links, mount points, paths of cgroups
constexpr std::size_t kMaxInterfaceNameBytes = 128;  // ALTIFNAMSIZ (include/uapi/linux/if.h); IFNAMSIZ is 16
constexpr std::size_t kMaxNameBytes = 256;       // of users and services, as tools and libraries have them

}  // namespace ssnap::decode
