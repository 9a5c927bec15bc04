// Identity, capabilities, limits and descriptors: what a process has without asking.
#pragma once

#include <span>

namespace ssnap::sandbox {

// No execve() gives more rights than there are (PR_SET_NO_NEW_PRIVS, Linux 3.5), which seccomp and Landlock ask for.
bool forbid_new_privileges();

// Closes all descriptors from 3 on that are not in `kept` (close_range(), Linux 5.9; before that they stay).
void close_others(std::span<const int> kept);

// No core file, and no more descriptors than `descriptors`. Not ptraced by its own user either.
void set_limits(unsigned descriptors);

// The bounding set, so that nothing that is executed has any; then the way back by uid 0 is closed (securebits).
void close_capability_sources();

// Root becomes nobody (65534), in no other group. False where it is not root, or the user namespace has no such user.
bool become_nobody();

// Permitted, effective, inheritable, ambient: none left of the calling thread. False where the kernel refused.
bool drop_capabilities();

}  // namespace ssnap::sandbox
