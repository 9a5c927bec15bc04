#include "extract/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "archive/tar.h"

namespace ssnap::extract {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
// From a directory up to the root: PATH_MAX holds no deeper one.
constexpr int kMaxDepth = 4096;

base::Error error_of_errno() { return base::errno_error("", errno); }

// "a/b/c" -> "a/b" and "c"; "c" -> "" and "c".
std::pair<std::string_view, std::string_view> split(std::string_view name) {
  const auto slash = name.rfind('/');
  if (slash == std::string_view::npos) return {"", name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

bool is_same(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// Whether `directory` is `outer` or below it.
bool lies_in(int directory, const struct stat& outer) {
  base::Fd at(::openat(directory, ".", kDirectoryFlags));
  struct stat previous {};
  for (int depth = 0; at && depth < kMaxDepth; ++depth) {
    struct stat here {};
    if (::fstat(at.get(), &here) != 0) return false;
    if (is_same(here, outer)) return true;
    if (depth > 0 && is_same(here, previous)) return false;
    previous = here;
    at = base::Fd(::openat(at.get(), "..", kDirectoryFlags));
  }
  return false;
}

base::Result<bool> is_empty(int directory) {
  const int copy = ::openat(directory, ".", kDirectoryFlags);
  if (copy < 0) return error_of_errno();
  DIR* stream = ::fdopendir(copy);
  if (stream == nullptr) {
    const auto error = error_of_errno();
    ::close(copy);
    return error;
  }
  bool empty = true;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    empty = empty && (name == "." || name == "..");
  }
  ::closedir(stream);
  return empty;
}

}  // namespace

base::Result<Tree> Tree::create(const std::string& path, const std::string& source) {
  const std::string_view trimmed = std::string_view(path).substr(0, std::max<std::size_t>(path.find_last_not_of('/') + 1, 1));
  const auto [parent_name, own_name] = split(trimmed);
  const std::string parent_path = parent_name.empty() ? (path.starts_with('/') ? "/" : ".") : std::string(parent_name);
  base::Fd root(::open(path.c_str(), kDirectoryFlags));
  if (!root && errno != ENOENT) return base::errno_error(path, errno);
  base::Fd parent;
  if (!root) {
    parent = base::Fd(::open(parent_path.c_str(), kDirectoryFlags));
    if (!parent) return base::errno_error(parent_path, errno);
  }
  struct stat read_from {};
  if (!source.empty() && ::stat(source.c_str(), &read_from) == 0 && lies_in(root ? root.get() : parent.get(), read_from))
    return base::Error{path + " lies within " + source + ", which is read: choose a place outside of it"};
  if (!root) {
    const std::string name(own_name);
    if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) return base::errno_error("can't create " + path, errno);
    root = base::Fd(::openat(parent.get(), name.c_str(), kDirectoryFlags | O_NOFOLLOW));
    if (!root) return base::errno_error(path, errno);
  }
  const auto empty = is_empty(root.get());
  if (empty.has_error()) return base::errno_error(path, empty.error().errno_number);
  if (!*empty) return base::Error{path + " is not empty and is left as it is: choose another place"};
  return Tree(std::move(root));
}

base::Result<int> Tree::directory_of(std::string_view directory) {
  if (directory.empty()) return root_.get();
  if (last_ && directory == last_name_) return last_.get();
  last_.reset();
  int at = root_.get();
  base::Fd held;
  for (std::size_t begin = 0; begin <= directory.size();) {
    const std::size_t end = std::min(directory.find('/', begin), directory.size());
    const std::string component(directory.substr(begin, end - begin));
    if (::mkdirat(at, component.c_str(), 0700) != 0 && errno != EEXIST) return error_of_errno();
    // O_NOFOLLOW: where a symlink of the archive stands, this fails.
    base::Fd next(::openat(at, component.c_str(), kDirectoryFlags | O_NOFOLLOW));
    if (!next) return error_of_errno();
    held = std::move(next);
    at = held.get();
    begin = end + 1;
  }
  last_ = std::move(held);
  last_name_ = directory;
  return last_.get();
}

base::Result<void> Tree::make_directory(std::string_view name) {
  if (archive::name_fault(name)) return base::errno_error("", EINVAL);
  const auto directory = directory_of(name);
  if (directory.has_error()) return directory.error();
  return {};
}

base::Result<void> Tree::write_file(std::string_view name, std::string_view bytes) {
  if (archive::name_fault(name)) return base::errno_error("", EINVAL);
  const auto [parent, own] = split(name);
  const auto directory = directory_of(parent);
  if (directory.has_error()) return directory.error();
  const std::string own_name(own);
  const base::Fd file(::openat(*directory, own_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return error_of_errno();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return error_of_errno();
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

base::Result<void> Tree::make_symlink(std::string_view name, std::string_view target) {
  // A symlink's text ends at a NUL: another target would stand there than the archive has.
  if (archive::name_fault(name) || target.find('\0') != std::string_view::npos) return base::errno_error("", EINVAL);
  const auto [parent, own] = split(name);
  const auto directory = directory_of(parent);
  if (directory.has_error()) return directory.error();
  if (::symlinkat(std::string(target).c_str(), *directory, std::string(own).c_str()) != 0) return error_of_errno();
  return {};
}

base::Result<void> Tree::link_file(std::string_view existing, std::string_view name) {
  if (archive::name_fault(existing) || archive::name_fault(name)) return base::errno_error("", EINVAL);
  const auto [from_parent, from_own] = split(existing);
  const auto [to_parent, to_own] = split(name);
  const auto held = directory_of(from_parent);
  if (held.has_error()) return held.error();
  const base::Fd from(::openat(*held, ".", kDirectoryFlags));
  if (!from) return error_of_errno();
  const auto to = directory_of(to_parent);
  if (to.has_error()) return to.error();
  // Without AT_SYMLINK_FOLLOW: a link itself would be linked.
  if (::linkat(from.get(), std::string(from_own).c_str(), *to, std::string(to_own).c_str(), 0) != 0) return error_of_errno();
  return {};
}

bool is_about_one_name(const base::Error& error) {
  switch (error.errno_number) {
    case EEXIST:        // two things of one name
    case ELOOP:         // a component is a symlink
    case ENOTDIR:       // a component is a file
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:  // a component above 255 bytes, a target above 4095
    case EILSEQ:        // bytes that this file system doesn't take
    case ENOENT:        // an empty target
      return true;
    default:
      return false;
  }
}

}  // namespace ssnap::extract
