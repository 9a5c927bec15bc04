#include "capture/host.h"

#include <fcntl.h>

#include <cerrno>
#include <string>

namespace ssnap::capture {

base::Result<Host> open_host(const char* root, const char* proc) {
  Host host;
  host.root = base::Fd(::open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!host.root) return base::errno_error(std::string("can't open ") + root, errno);
  host.proc = base::Fd(::open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!host.proc)
    return base::errno_error(std::string("can't open ") + proc + " (is procfs mounted?)", errno);
  return host;
}

}  // namespace ssnap::capture
