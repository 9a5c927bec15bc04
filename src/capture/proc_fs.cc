#include "capture/proc_fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "capture/clock.h"

namespace ssnap::capture {
namespace {

// procfs returns at most a page per read of a seq_file, more for some; one buffer for all.
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kDirentsBytes = 32 * 1024;
// do_proc_readlink gives at most a page.
constexpr std::size_t kMaxLinkBytes = 4096;

// A file of a process or of /etc is there at once. One whose bytes trickle (it may be on FUSE) is cut after this; a table of
// sockets, which has no such limit of size, may take longer.
constexpr std::uint64_t kMaxQuickBytes = 16 * 1024 * 1024, kMaxFileNsec = 60'000'000'000;

// struct linux_dirent64 (include/linux/dirent.h): d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.
constexpr std::size_t kDirentReclenAt = 16, kDirentTypeAt = 18, kDirentNameAt = 19;

int open_for_reading(int directory_fd, const char* path) {
  int fd = -1;
  do {
    fd = ::openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

ssize_t read_some(int fd, char* buffer, std::size_t size) {
  ssize_t got = -1;
  do {
    got = ::read(fd, buffer, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

}  // namespace

int visit_directory(int directory_fd, const std::function<bool(const char*, unsigned char)>& visit) {
  const auto buffer = std::make_unique<char[]>(kDirentsBytes);
  for (std::size_t seen = 0;;) {
    const long got = ::syscall(SYS_getdents64, directory_fd, buffer.get(), kDirentsBytes);
    if (got < 0) return errno;
    if (got == 0) return 0;
    for (std::size_t at = 0; at + kDirentNameAt < static_cast<std::size_t>(got);) {
      std::uint16_t length = 0;
      std::memcpy(&length, buffer.get() + at + kDirentReclenAt, sizeof length);
      if (length <= kDirentNameAt || at + length > static_cast<std::size_t>(got)) return EIO;
      const char* name = buffer.get() + at + kDirentNameAt;
      if (::strnlen(name, length - kDirentNameAt) == length - kDirentNameAt) return EIO;
      const std::string_view text(name);
      if (text != "." && text != "..") {
        if (++seen > kMaxDirEntries) return EFBIG;
        if (!visit(name, static_cast<unsigned char>(buffer[at + kDirentTypeAt]))) return EINTR;
      }
      at += length;
    }
  }
}

int list_directory(int directory_fd, std::vector<DirEntry>& entries, const std::function<bool()>& beat) {
  constexpr std::size_t kBeatEntries = 256;
  return visit_directory(directory_fd, [&](const char* name, unsigned char type) {
    entries.push_back({name, type});
    return entries.size() % kBeatEntries != 0 || beat();
  });
}

int read_link(int directory_fd, const char* name, std::string& target) {
  char buffer[kMaxLinkBytes];
  const ssize_t length = ::readlinkat(directory_fd, name, buffer, sizeof buffer);
  if (length < 0) return errno;
  target.assign(buffer, static_cast<std::size_t>(length));
  return 0;
}

int read_file_member(int directory_fd, const char* path, std::uint64_t max_bytes, archive::JournalEntry entry,
                     Output& output, base::OutcomeKind if_absent, const std::function<void(std::string_view)>& look) {
  entry.begin_nsec = boottime_nsec();
  const base::Fd fd(open_for_reading(directory_fd, path));
  int error = fd ? 0 : errno;
  MemberBuffer member(output);
  bool stopped = false, over = false, slow = false;
  if (fd) {
    const auto buffer = std::make_unique<char[]>(kReadBytes);
    for (;;) {
      const ssize_t got = read_some(fd.get(), buffer.get(), kReadBytes);
      if (got < 0) error = errno;
      if (got <= 0) break;
      const std::uint64_t room = max_bytes - member.size_bytes();
      over = static_cast<std::uint64_t>(got) > room;
      const std::string_view piece(buffer.get(), over ? room : static_cast<std::size_t>(got));
      member.append(piece);
      if (look) look(piece);
      stopped = !output.beat();
      slow = max_bytes <= kMaxQuickBytes && boottime_nsec() - entry.begin_nsec > kMaxFileNsec;
      if (over || stopped || slow) break;
    }
  }
  entry.end_nsec = boottime_nsec();
  entry.errno_number = error;
  entry.outcome = error == ENOENT ? if_absent : base::outcome_of_errno(error);
  // ESRCH after the first bytes: the process ended between two reads, and what came is all there will be.
  const bool broken = error != 0 && error != ESRCH && member.size_bytes() > 0;
  if (over || stopped || slow || broken) entry.outcome = base::OutcomeKind::cut;
  if (over) entry.detail = "kept the first " + std::to_string(max_bytes) + " bytes";
  if (slow) entry.detail = "kept what came within " + std::to_string(kMaxFileNsec / 1'000'000'000) + " s";
  if (stopped) entry.detail = "the capture was ended";
  const bool kept = fd && (error == 0 || member.size_bytes() > 0);
  if (kept) {
    entry.bytes = member.size_bytes();
    member.finish(entry.member);
  } else {
    if (entry.detail.empty()) entry.detail = entry.member;
    entry.member.clear();
  }
  output.journal(std::move(entry));
  return error;
}

int read_small_file(int directory_fd, const char* path, std::size_t max_bytes, std::string& bytes) {
  bytes.clear();
  const base::Fd fd(open_for_reading(directory_fd, path));
  if (!fd) return errno;
  char buffer[4096];
  for (;;) {
    const ssize_t got = read_some(fd.get(), buffer, sizeof buffer);
    if (got < 0) return errno;
    if (got == 0) return 0;
    bytes.append(buffer, static_cast<std::size_t>(got));
    if (bytes.size() >= max_bytes) {
      bytes.resize(max_bytes);
      return 0;
    }
  }
}

}  // namespace ssnap::capture
