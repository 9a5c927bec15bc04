#include "base/fd.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace ssnap::base {

void Fd::reset() {
  if (number_ >= 0) ::close(number_);
  number_ = -1;
}

bool file_status(int fd, struct stat& status) {
  if (::fstat(fd, &status) == 0) return true;
  if (errno != EINVAL) return false;
  // Such a link leads to the open file itself, whatever its name is by now.
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  return ::stat(link.c_str(), &status) == 0;
}

}  // namespace ssnap::base
