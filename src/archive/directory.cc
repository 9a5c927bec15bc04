#include "archive/directory.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/read_limits.h"
#include "archive/tar.h"
#include "base/fd.h"

namespace ssnap::archive {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "9" before "10", "tcp" before "tcp6"; names that differ only in leading zeros by their bytes.
bool comes_before(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i, ++j;
      continue;
    }
    const auto take_number = [](std::string_view text, std::size_t& at) {
      while (at < text.size() && text[at] == '0') ++at;
      const std::size_t begin = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      return text.substr(begin, at - begin);
    };
    const std::string_view x = take_number(a, i), y = take_number(b, j);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  if (i < a.size() || j < b.size()) return i == a.size();
  return a < b;
}

class DirectoryReader {
 public:
  DirectoryReader(const std::function<bool(std::string_view)>& wanted, const MemberVisitor& visit, const ReadLimits& limits)
      : wanted_(wanted), visit_(visit), limits_(limits), buffer_(kReadBytes, '\0') {}

  // The names in the directory, sorted. An Error where it can't be listed.
  base::Result<std::vector<std::string>> list(int directory) {
    std::vector<std::string> names;
    const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return base::errno_error("listing", errno);
    DIR* stream = ::fdopendir(copy);
    if (stream == nullptr) {
      const int number = errno;
      ::close(copy);
      return base::errno_error("listing", number);
    }
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(stream);
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++listed_ > limits_.members) break;
      names.emplace_back(name);
    }
    const int number = errno;
    ::closedir(stream);
    if (listed_ > limits_.members)
      return base::Error{"more than " + std::to_string(limits_.members) + " names: the rest is not read", 0};
    if (number != 0) return base::errno_error("listing", number);
    std::sort(names.begin(), names.end(), comes_before);
    return names;
  }

  void walk(int directory, const std::string& prefix, int depth) {
    const auto names = list(directory);
    if (!names) return problem(prefix, names.error().message);
    read_names(directory, *names, prefix, depth);
  }

  void read_names(int directory, const std::vector<std::string>& names, const std::string& prefix, int depth) {
    for (const auto& name : names) read_entry(directory, name, prefix + name, depth);
  }

  ReadReport take_report() { return std::move(report_); }

 private:
  void problem(std::string_view name, std::string_view message) {
    report_.problems.add(0, percent_path(name) + ": " + std::string(message));
  }

  // For messages: no byte that a terminal acts on.
  static std::string percent_path(std::string_view path) {
    std::string out;
    for (const char c : path) out += c == '/' ? std::string(1, c) : percent_escape({&c, 1}) == "%2E" ? "." : percent_escape({&c, 1});
    return out;
  }

  void read_entry(int directory, const std::string& entry, const std::string& name, int depth) {
    if (const auto fault = name_fault(name)) return problem(name, "refused: the name " + std::string(*fault));
    struct stat status {};
    if (::fstatat(directory, entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return problem(name, base::errno_error("stat", errno).message);
    if (S_ISLNK(status.st_mode)) return read_link(directory, entry, name);
    if (S_ISDIR(status.st_mode)) return enter(directory, entry, name, depth);
    if (!S_ISREG(status.st_mode)) return problem(name, "not a regular file: not opened");
    if (!wanted_(name)) return;
    if (report_.member_bytes < limits_.directory_bytes) return read_file(directory, entry, name);
    problem(name, "files of " + std::to_string(limits_.directory_bytes) + " bytes were read: the rest is not");
  }

  void enter(int directory, const std::string& entry, const std::string& name, int depth) {
    if (depth >= kMaxDirectoryDepth) return problem(name, "deeper than " + std::to_string(kMaxDirectoryDepth) + " directories: not read");
    const base::Fd inner(::openat(directory, entry.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!inner) return problem(name, base::errno_error("open", errno).message);
    walk(inner.get(), name + '/', depth + 1);
  }

  void read_link(int directory, const std::string& entry, const std::string& name) {
    // One more than a target can have, so that a full buffer says that it was cut.
    std::string target(kMaxNameBytes + 1, '\0');
    const ssize_t length = ::readlinkat(directory, entry.c_str(), target.data(), target.size());
    if (length < 0) return problem(name, base::errno_error("readlink", errno).message);
    target.resize(static_cast<std::size_t>(length));
    emit({name, MemberType::symlink, target, target.size() > kMaxNameBytes});
  }

  void read_file(int directory, const std::string& entry, const std::string& name) {
    // O_NONBLOCK: were the file exchanged for a FIFO meanwhile, opening it must not wait.
    const base::Fd file(::openat(directory, entry.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file) return problem(name, base::errno_error("open", errno).message);
    struct stat status {};
    if (!base::file_status(file.get(), status) || !S_ISREG(status.st_mode)) return problem(name, "not a regular file any more");
    std::string bytes;
    bool cut = false;
    for (;;) {
      const ssize_t got = ::read(file.get(), buffer_.data(), buffer_.size());
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        problem(name, base::errno_error("read", errno).message);
        if (bytes.empty()) return;
        cut = true;
        break;
      }
      if (bytes.size() + static_cast<std::size_t>(got) > limits_.member_bytes) {
        problem(name, "larger than the limit of " + std::to_string(limits_.member_bytes) + " bytes: cut");
        cut = true;
        break;
      }
      bytes.append(buffer_.data(), static_cast<std::size_t>(got));
    }
    emit({name, MemberType::file, bytes, cut});
  }

  void emit(const Member& member) {
    ++report_.members;
    report_.member_bytes += member.type == MemberType::file ? member.bytes.size() : 0;
    visit_(member);
  }

  const std::function<bool(std::string_view)>& wanted_;
  const MemberVisitor& visit_;
  const ReadLimits& limits_;
  ReadReport report_;
  std::string buffer_;
  std::uint64_t listed_ = 0;
};

}  // namespace

base::Result<ReadReport> read_directory(const Input& input,
                                        const std::function<bool(std::string_view name)>& wanted,
                                        const MemberVisitor& visit, const ReadLimits& limits) {
  DirectoryReader reader(wanted, visit, limits);
  const auto names = reader.list(input.fd.get());
  if (!names) return base::Error{input.name + ": " + names.error().message, names.error().errno_number};
  reader.read_names(input.fd.get(), *names, "", 1);
  return reader.take_report();
}

}  // namespace ssnap::archive
