#include "sandbox/rights.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

namespace ssnap::sandbox {
namespace {

// The kernel's overflowuid: owns nothing. Its name, and whether it has one, is the system's affair.
constexpr unsigned kNobody = 65534;

// Not glibc's functions: those wait for every thread to do the same, and one may hang in the kernel.
template <class... Arguments>
bool succeeds(long number, Arguments... arguments) {
  return ::syscall(number, arguments...) == 0;
}

bool is_root() {
  uid_t real = 0, effective = 0, saved = 0;
  ::getresuid(&real, &effective, &saved);
  return real == 0 || effective == 0 || saved == 0;
}

}  // namespace

bool forbid_new_privileges() { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }

void close_others(std::span<const int> kept) {
#ifdef SYS_close_range
  std::vector<unsigned> numbers;
  for (const int number : kept)
    if (number > STDERR_FILENO) numbers.push_back(static_cast<unsigned>(number));
  std::sort(numbers.begin(), numbers.end());
  unsigned first = STDERR_FILENO + 1;
  for (const unsigned number : numbers) {
    if (number > first) ::syscall(SYS_close_range, first, number - 1, 0u);
    first = number + 1;
  }
  ::syscall(SYS_close_range, first, UINT_MAX, 0u);
#endif
}

void set_limits(unsigned descriptors) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max = std::min<rlim_t>(files.rlim_cur, descriptors);
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void close_capability_sources() {
  // Refused without CAP_SETPCAP: who hasn't that has nothing that a bounding set could bound but files' capabilities,
  // which PR_SET_NO_NEW_PRIVS ignores.
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  ::prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
          0, 0, 0);
}

bool become_nobody() {
  if (!is_root()) return false;
  // Refused where a user namespace forbids it; the uid counts more.
  ::syscall(SYS_setgroups, 0, nullptr);
  succeeds(SYS_setresgid, kNobody, kNobody, kNobody);
  return succeeds(SYS_setresuid, kNobody, kNobody, kNobody) && ::getegid() == kNobody;
}

bool drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
  return succeeds(SYS_capset, &header, none);
}

}  // namespace ssnap::sandbox
