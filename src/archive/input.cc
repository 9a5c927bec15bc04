#include "archive/input.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/read_limits.h"

namespace ssnap::archive {
namespace {

constexpr std::size_t kReadBytes = 1 << 20;  // per read(): pipes give less anyway

}  // namespace

base::Result<Input> open_input(const std::string& path) {
  Input input;
  input.name = path == "-" ? "standard input" : path;
  if (path == "-") {
    input.fd = base::Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  } else {
    int number;
    do {
      number = ::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC);
    } while (number < 0 && errno == EINTR);
    input.fd = base::Fd(number);
  }
  struct stat status {};
  if (!input.fd || !base::file_status(input.fd.get(), status)) return base::errno_error(input.name, errno);
  input.is_directory = S_ISDIR(status.st_mode);
  if (S_ISREG(status.st_mode) && status.st_size > 0) input.size_bytes = static_cast<std::uint64_t>(status.st_size);
  return input;
}

base::Result<std::string> read_input(const Input& input) {
  std::string bytes;
  // Only a hint: the file may grow.
  if (input.size_bytes <= kMaxInputBytes) bytes.reserve(static_cast<std::size_t>(input.size_bytes) + 1);
  std::size_t used = 0;
  for (;;) {
    if (used > kMaxInputBytes) return base::Error{input.name + ": larger than the limit of 16 GiB", 0};
    if (bytes.size() == used)
      bytes.resize(std::max(used + kReadBytes, std::min<std::size_t>(bytes.capacity(), used * 2)));
    const ssize_t got = ::read(input.fd.get(), bytes.data() + used, std::min(bytes.size() - used, kReadBytes));
    if (got < 0) {
      if (errno == EINTR) continue;
      return base::errno_error(input.name, errno);
    }
    if (got == 0) break;
    used += static_cast<std::size_t>(got);
  }
  bytes.resize(used);
  // Said in full: an Error can be made of a string as well.
  return base::Result<std::string>(boost::system::in_place_value, std::move(bytes));
}

}  // namespace ssnap::archive
