#include "extract/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "archive/tar.h"
#include "sandbox/open_beneath.h"

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
    if (!base::file_status(at.get(), here)) return false;
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

base::Result<Tree> Tree::create(const std::string& path, int source) {
  Tree tree;
  tree.path_ = path;
  const std::string_view trimmed = std::string_view(path).substr(0, std::max<std::size_t>(path.find_last_not_of('/') + 1, 1));
  const auto [parent_name, own_name] = split(trimmed);
  const std::string parent_path = parent_name.empty() ? (path.starts_with('/') ? "/" : ".") : std::string(parent_name);
  tree.own_name_ = own_name;
  tree.root_ = base::Fd(::open(path.c_str(), kDirectoryFlags));
  if (!tree.root_ && errno != ENOENT) return base::errno_error(path, errno);
  if (!tree.root_) {
    tree.parent_ = base::Fd(::open(parent_path.c_str(), kDirectoryFlags));
    if (!tree.parent_) return base::errno_error(parent_path, errno);
  }
  struct stat read_from {};
  if (source >= 0 && base::file_status(source, read_from) && lies_in(tree.root_ ? tree.root() : tree.parent(), read_from))
    return base::Error{path + " lies within the directory that is read: choose a place outside of it"};
  if (!tree.root_) {
    if (::mkdirat(tree.parent(), tree.own_name_.c_str(), 0700) != 0) return base::errno_error("can't create " + path, errno);
    tree.root_ = base::Fd(::openat(tree.parent(), tree.own_name_.c_str(), kDirectoryFlags | O_NOFOLLOW));
    if (!tree.root_) return base::errno_error(path, errno);
    return tree;
  }
  const auto empty = is_empty(tree.root());
  if (empty.has_error()) return base::errno_error(path, empty.error().errno_number);
  if (!*empty) return base::Error{path + " is not empty and is left as it is: choose another place"};
  return tree;
}

void Tree::discard() const {
  if (parent_) ::unlinkat(parent(), own_name_.c_str(), AT_REMOVEDIR);
}

base::Result<base::Fd> Tree::open(std::string_view name, int flags, unsigned mode) {
  if (has_openat2_) {
    const std::string text(name);
    base::Fd opened = sandbox::open_beneath(root(), text.c_str(), flags, mode);
    if (opened) return opened;
    // EPERM is what some containers say for a call that they don't know.
    if (errno != ENOSYS && errno != EPERM) return error_of_errno();
    has_openat2_ = false;
  }
  return open_by_components(name, flags, mode);
}

base::Result<base::Fd> Tree::open_by_components(std::string_view name, int flags, unsigned mode) const {
  base::Fd held;
  for (;;) {
    const std::size_t slash = name.find('/');
    const bool is_last = slash == std::string_view::npos;
    const std::string component(name.substr(0, slash));
    // O_NOFOLLOW: where a symlink stands, this fails.
    base::Fd next(::openat(held ? held.get() : root(), component.c_str(), (is_last ? flags : kDirectoryFlags) | O_NOFOLLOW, mode));
    if (!next) return error_of_errno();
    if (is_last) return next;
    held = std::move(next);
    name.remove_prefix(slash + 1);
  }
}

base::Result<base::Fd> Tree::directory_of(std::string_view directory) {
  if (directory.empty()) return open(".", kDirectoryFlags, 0);
  auto opened = open(directory, kDirectoryFlags, 0);
  if (!opened.has_error() || opened.error().errno_number != ENOENT) return opened;
  for (std::size_t end = 0; end < directory.size();) {
    end = std::min(directory.find('/', end + 1), directory.size());
    const auto [parent, own] = split(directory.substr(0, end));
    const auto above = open(parent.empty() ? "." : parent, kDirectoryFlags, 0);
    if (above.has_error()) return above.error();
    if (::mkdirat(above->get(), std::string(own).c_str(), 0700) != 0 && errno != EEXIST) return error_of_errno();
  }
  return open(directory, kDirectoryFlags, 0);
}

base::Result<void> Tree::make_directory(std::string_view name) {
  if (archive::name_fault(name)) return base::errno_error("", EINVAL);
  const auto directory = directory_of(name);
  if (directory.has_error()) return directory.error();
  return {};
}

base::Result<void> Tree::write_file(std::string_view name, std::string_view bytes) {
  if (archive::name_fault(name)) return base::errno_error("", EINVAL);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  auto file = open(name, kFlags, 0600);
  if (file.has_error() && file.error().errno_number == ENOENT) {
    const auto directory = directory_of(split(name).first);
    if (directory.has_error()) return directory.error();
    file = open(name, kFlags, 0600);
  }
  if (file.has_error()) return file.error();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file->get(), bytes.data(), bytes.size());
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
  if (::symlinkat(std::string(target).c_str(), directory->get(), std::string(own).c_str()) != 0) return error_of_errno();
  return {};
}

base::Result<void> Tree::link_file(std::string_view existing, std::string_view name) {
  if (archive::name_fault(existing) || archive::name_fault(name)) return base::errno_error("", EINVAL);
  const auto [from_parent, from_own] = split(existing);
  const auto [to_parent, to_own] = split(name);
  const auto from = directory_of(from_parent);
  if (from.has_error()) return from.error();
  const auto to = directory_of(to_parent);
  if (to.has_error()) return to.error();
  // Without AT_SYMLINK_FOLLOW: a link itself would be linked.
  if (::linkat(from->get(), std::string(from_own).c_str(), to->get(), std::string(to_own).c_str(), 0) != 0) return error_of_errno();
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
