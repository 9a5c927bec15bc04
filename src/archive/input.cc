// read_input: the whole of a file or of standard input.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/read_limits.h"
#include "archive/reader.h"
#include "base/fd.h"

namespace ssnap::archive {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;  // per read(): pipes give less anyway

base::Result<std::string> read_all(int fd, const std::string& shown) {
  std::string bytes;
  struct stat status {};
  // Only a hint: the file may grow, and st_size means nothing for pipes.
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
      static_cast<std::uint64_t>(status.st_size) <= kMaxInputBytes)
    bytes.reserve(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t used = 0;
  for (;;) {
    if (used > kMaxInputBytes) return base::Error{shown + ": larger than the limit of 16 GiB", 0};
    if (bytes.size() == used)
      bytes.resize(std::max(used + kReadBytes, std::min<std::size_t>(bytes.capacity(), used * 2)));
    const ssize_t got = ::read(fd, bytes.data() + used, std::min(bytes.size() - used, kReadBytes));
    if (got < 0) {
      if (errno == EINTR) continue;
      return base::errno_error(shown, errno);
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  bytes.resize(used);
  // Said in full: an Error can be made of a string as well.
  return base::Result<std::string>(boost::system::in_place_value, std::move(bytes));
}

}  // namespace

base::Result<std::string> read_input(const std::string& path) {
  if (path == "-") return read_all(STDIN_FILENO, "standard input");
  int number;
  do {
    number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (number < 0 && errno == EINTR);
  if (number < 0) return base::errno_error(path, errno);
  const base::Fd fd(number);
  return read_all(fd.get(), path);
}

}  // namespace ssnap::archive
