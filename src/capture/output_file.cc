#include "capture/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace ssnap::capture {
namespace {

constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

int open_file(int folder, const char* name, int flags, mode_t mode = 0) {
  int fd = -1;
  do {
    fd = ::openat(folder, name, flags, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

// Whether something is there that may be replaced; an Error for what may not. `path` is for the message.
base::Result<bool> what_is_there(int folder, const std::string& name, const std::string& path, bool replace) {
  struct stat status {};
  if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    return base::errno_error("can't create " + path, errno);
  }
  if (!S_ISREG(status.st_mode))
    return base::Error{
        path + " exists and is no regular file: a device, a FIFO or what a link leads to is written with -o - > FILE", EEXIST};
  if (replace) return true;
  return base::Error{
      path + " exists already and is left as it is: choose another name with -o, or replace it with --force", EEXIST};
}

// As coreutils write it: a name with these bytes has them escaped, and a backslash before the whole line.
std::string sha256_line(const std::string& sha256_hex, const std::string& name) {
  std::string escaped;
  for (const char c : name) {
    if (c == '\\') escaped += "\\\\";
    else if (c == '\n') escaped += "\\n";
    else if (c == '\r') escaped += "\\r";
    else escaped += c;
  }
  return (escaped == name ? "" : "\\") + sha256_hex + "  " + escaped + "\n";
}

}  // namespace

OutputFile::OutputFile(base::Fd file, base::Fd folder, Options options, std::string name, std::string working_name)
    : FdSink(std::move(file), true),
      folder_(std::move(folder)),
      options_(options),
      name_(std::move(name)),
      working_name_(std::move(working_name)) {}

base::Result<OutputFile> OutputFile::create(const std::string& path, Options options) {
  const auto slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string folder_path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  base::Fd folder(open_file(AT_FDCWD, folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return base::errno_error("can't create " + path, errno);
  const auto there = what_is_there(folder.get(), name, path, options.replace);
  if (there.has_error()) return there.error();
  if (options.sha256_file)
    if (const auto hash = what_is_there(folder.get(), name + ".sha256", path + ".sha256", options.replace); hash.has_error())
      return hash.error();
  const std::string working_name = *there ? name + ".new-" + std::to_string(::getpid()) : name;
  base::Fd file(open_file(folder.get(), working_name.c_str(), kNewFile, 0600));
  const int error = errno;  // before the strings below are made
  if (!file) return base::errno_error("can't create " + path + (*there ? " (as " + working_name + ")" : ""), error);
  return OutputFile(std::move(file), std::move(folder), options, name, working_name);
}

OutputFile::~OutputFile() {
  struct stat own {}, there {};
  if (usable_ || !folder_ || !base::file_status(fd(), own)) return;
  // By its name: only if that is still its name.
  if (::fstatat(folder_.get(), working_name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 && own.st_ino == there.st_ino &&
      own.st_dev == there.st_dev)
    ::unlinkat(folder_.get(), working_name_.c_str(), 0);
}

base::Result<void> OutputFile::usable() {
  if (const auto synced = sync(); !synced) return synced;
  if (working_name_ != name_) {
    if (::renameat(folder_.get(), working_name_.c_str(), folder_.get(), name_.c_str()) != 0)
      return base::errno_error("can't replace " + name_, errno);
    working_name_ = name_;
  }
  if (options_.replace && options_.sha256_file) ::unlinkat(folder_.get(), (name_ + ".sha256").c_str(), 0);
  usable_ = true;
  ::fsync(folder_.get());  // not every file system has it for a directory
  return {};
}

base::Result<void> OutputFile::reserve(std::uint64_t bytes) {
  while (can_reserve_) {
    if (::fallocate(fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(taken()), static_cast<off_t>(bytes)) == 0) return {};
    if (errno == EINTR) continue;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO) return base::errno_error("no room for more", errno);
    can_reserve_ = false;  // EOPNOTSUPP and whatever else: writing will tell
  }
  return {};
}

bool OutputFile::cut_back(std::uint64_t bytes) {
  const auto size = static_cast<off_t>(bytes);
  if (::ftruncate(fd(), size) != 0 || ::lseek(fd(), size, SEEK_SET) != size) return false;
  forget_behind(bytes);
  return true;
}

base::Result<void> OutputFile::finish() {
  // Also where nothing was kept: then it changes nothing.
  if (::ftruncate(fd(), static_cast<off_t>(taken())) != 0) return base::errno_error("can't set the size of the archive", errno);
  while (::fsync(fd()) != 0) {
    if (errno == EINVAL) break;
    if (errno != EINTR) return base::errno_error("can't sync the archive to its disk", errno);
  }
  ::fsync(folder_.get());
  return {};
}

base::Result<void> OutputFile::write_sha256_file(const std::string& sha256_hex) const {
  const std::string name = name_ + ".sha256";
  base::Fd file(open_file(folder_.get(), name.c_str(), kNewFile, 0600));
  if (!file) return base::errno_error("can't create " + name, errno);
  archive::FdSink sink(std::move(file), true);
  auto written = sink.write(sha256_line(sha256_hex, name_));
  if (written) written = sink.sync();
  if (!written) {
    ::unlinkat(folder_.get(), name.c_str(), 0);
    return base::Error{name + ": " + written.error().message, written.error().errno_number};
  }
  ::fsync(folder_.get());
  return {};
}

}  // namespace ssnap::capture
