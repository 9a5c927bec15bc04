// Opening by a name of several components that can't lead elsewhere.
#pragma once

#include "base/fd.h"

namespace ssnap::sandbox {

// openat2() with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS (Linux 5.6): no component of `name` leaves
// `directory` or is a symlink, whatever others do to the tree meanwhile. Empty with errno on failure: ELOOP for a symlink,
// ENOSYS where the system has no such call. `mode`: of a file that `flags` makes, else 0.
base::Fd open_beneath(int directory, const char* name, int flags, unsigned mode);

}  // namespace ssnap::sandbox
