#include "archive/sink.h"

#include <cerrno>
#include <unistd.h>

namespace ssnap::archive {

base::Result<void> FdSink::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return base::errno_error("can't write the archive", errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
    taken_ += static_cast<std::uint64_t>(written);
  }
  return {};
}

base::Result<void> FdSink::sync() {
  if (!is_file_) return {};
  while (::fdatasync(fd_.get()) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL) return {};  // a device or file system that has nothing to sync
    return base::errno_error("can't sync the archive to its disk", errno);
  }
  return {};
}

}  // namespace ssnap::archive
