#include "sandbox/open_beneath.h"

#include <cerrno>

#ifdef __linux__
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace ssnap::sandbox {

#ifdef SYS_openat2
base::Fd open_beneath(int directory, const char* name, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long number;
  do {
    number = ::syscall(SYS_openat2, directory, name, &how, sizeof how);
  } while (number < 0 && errno == EINTR);
  return base::Fd(static_cast<int>(number));
}
#else
base::Fd open_beneath(int, const char*, int, unsigned) {
  errno = ENOSYS;
  return {};
}
#endif

}  // namespace ssnap::sandbox
