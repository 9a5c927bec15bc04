// What a socket's buffers take (include/uapi/linux/sock_diag.h; sk_get_meminfo, net/core/sock.c).
#pragma once

#include <cstdint>

#include "base/small_list.h"

namespace ssnap::decode {

// The SK_MEMINFO_* words, bytes each: rmem_alloc rcvbuf wmem_alloc sndbuf fwd_alloc wmem_queued optmem backlog drops. Older
// kernels send fewer: the rest is absent.
using SkMeminfo = base::SmallList<std::uint32_t, 9>;

}  // namespace ssnap::decode
