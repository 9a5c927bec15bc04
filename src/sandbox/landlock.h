// Landlock (Linux 5.13, Documentation/userspace-api/landlock.rst): no file can be opened, made or changed by name, but below
// what is held.
#pragma once

#include <span>

namespace ssnap::sandbox {

// The version of its interface, or 0 with errno where the kernel has none or a container forbids it.
int landlock_abi();

struct LandlockRules {
  std::span<const int> readable;  // open directories
  int target = -1;                // an open directory, below which files, directories and symlinks can be made; -1: none
  int target_parent = -1;         // an open directory, from which empty ones can be removed; -1: none
};

// From now on for the calling thread and those that it starts; also no TCP connection (ABI 4), no abstract UNIX socket and no
// signal to another process (ABI 6). Returns the ABI in force, 0 where there is none.
int restrict_by_landlock(const LandlockRules& rules);

}  // namespace ssnap::sandbox
