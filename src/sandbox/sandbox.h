// The rights that a process gives up before it reads what a stranger wrote: docs/adr/0015 says what, when and why. An empty
// stub where the system isn't Linux, and in builds with -Dsandbox=false or a sanitizer.
#pragma once

#include <string>
#include <vector>

namespace ssnap::sandbox {

// What the process goes on with. All descriptors but these and 0 to 2 are closed.
struct Keep {
  // To be read. A directory: with all that is below it, by the same user, who loses all capabilities. Where there is
  // none among them, and no target either, root becomes nobody.
  std::vector<int> inputs;
  // A directory, the only one below which anything can be made; -1: nothing is written but to descriptors 1 and 2.
  int target = -1;
  // The directory that `target` was made in, from which it may be removed while it is empty; -1: it stays.
  int target_parent = -1;
  // Threads of a capture may still hang in the kernel. One that comes back would end the process with its first call that is
  // on no list: such calls are then refused (EPERM) instead of deadly, to all threads.
  bool threads_may_hang = false;
};

// What took effect. A kernel or a container without one of these is no error: the others are there all the same.
struct Report {
  bool no_new_privileges = false;
  bool system_calls = false;  // seccomp's list is in force
  int landlock_abi = 0;       // 0: no Landlock
  bool capabilities = false;  // there are none left
  bool nobody = false;        // uid and gid 65534, no other group
};

// To be called once, with one thread (but see threads_may_hang), before the first byte of input is read. Nothing takes
// it back. A system call outside the list ends the process with SIGSYS.
Report enter(const Keep& keep);

// For --version: "seccomp, Landlock 7", what of it this kernel lacks, or that the build has none.
std::string describe();

}  // namespace ssnap::sandbox
