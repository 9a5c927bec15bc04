#include "sandbox/sandbox.h"

#include <malloc.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "base/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/rights.h"
#include "sandbox/system_calls.h"

namespace ssnap::sandbox {
namespace {

// Where nothing is opened none are needed. A walk holds one for each directory above it, of which there are 64 at most
// (archive/read_limits.h), and a few beside.
constexpr unsigned kNoDescriptors = 0, kDescriptorsOfAWalk = 256;

bool is_directory(int fd) {
  struct stat status {};
  return base::file_status(fd, status) && S_ISDIR(status.st_mode);
}

std::string lacking(const char* what, int error) { return std::string("no ") + what + " (" + std::generic_category().message(error) + ")"; }

}  // namespace

Report enter(const Keep& keep) {
#ifdef M_ARENA_MAX
  // One heap for all threads that read what follows: with one each, what a thread has freed serves no other, and a large
  // replay takes a fifth more memory.
  ::mallopt(M_ARENA_MAX, 1);
#endif
  std::vector<int> kept = keep.inputs, directories;
  for (const int input : keep.inputs)
    if (is_directory(input)) directories.push_back(input);
  if (keep.target >= 0) kept.push_back(keep.target);
  if (keep.target_parent >= 0) kept.push_back(keep.target_parent);
  const bool opens_files = !directories.empty() || keep.target >= 0;

  // Each needs what those after it take away.
  Report report;
  report.no_new_privileges = forbid_new_privileges();
  close_others(kept);
  report.landlock_abi = restrict_by_landlock({directories, keep.target, keep.target_parent});
  close_capability_sources();
  if (!opens_files) report.nobody = become_nobody();
  report.capabilities = drop_capabilities();
  set_limits(opens_files ? kDescriptorsOfAWalk : kNoDescriptors);
  SystemCallNeeds needs;
  needs.directories = !directories.empty();
  needs.target = keep.target >= 0;
  needs.landlock = report.landlock_abi > 0;
  needs.refuse_unlisted = keep.threads_may_hang;
  report.system_calls = restrict_system_calls(needs);
  return report;
}

std::string describe() {
  const int seccomp = seccomp_error();
  std::string text = seccomp == 0 ? "seccomp, " : lacking("seccomp", seccomp) + ", ";
  const int abi = landlock_abi();
  return text + (abi > 0 ? "Landlock " + std::to_string(abi) : lacking("Landlock", errno));
}

}  // namespace ssnap::sandbox
