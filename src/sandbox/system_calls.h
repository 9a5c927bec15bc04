// The list of system calls, and the program that seccomp checks each call with.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace ssnap::sandbox {

struct SystemCallNeeds {
  bool directories = false;       // of the input are opened and listed
  bool target = false;            // files are made
  bool landlock = false;          // is in force, so that openat2(), whose flags a filter can't see, leads nowhere else
  bool refuse_unlisted = false;   // EPERM instead of SIGSYS
};

// For seccomp, on the architecture that this is built for; for `pid`, the calling process. Empty: not known here for this one.
std::vector<sock_filter> system_call_filter(const SystemCallNeeds& needs, unsigned pid);

// Installs it in all threads of the process. False where the kernel has no seccomp (Linux 3.17) or a container forbids it.
bool restrict_system_calls(const SystemCallNeeds& needs);

// 0 where seccomp filters can be installed, else why not, as an errno.
int seccomp_error();

}  // namespace ssnap::sandbox
