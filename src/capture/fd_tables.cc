#include "capture/fd_tables.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/link_list.h"

namespace ssnap::capture {
namespace {

constexpr std::string_view kRing = "anon_inode:[io_uring]";
// A ring has at most 2^20 registered files (io_uring/rsrc.h, IORING_MAX_FIXED_FILES), some 30 bytes a line.
constexpr std::size_t kMaxRingBytes = 64 * 1024 * 1024;
// A busy ring is asked again after a millisecond, so often; all rings of a table together not longer than a second.
constexpr int kMaxRingTries = 10, kMaxTableTries = 1000;

constexpr std::uint64_t kBeatLinks = 256;
constexpr std::uint64_t kHashOfNothing = 0xcbf29ce484222325u;

std::uint64_t hashed(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;  // FNV-1a
  return hash;
}

// A process may hold one socket by a million fds, at eight bytes of the kernel's memory each.
template <class Held>
void keep_lowest(std::vector<Held>& list) {
  std::sort(list.begin(), list.end(), [](const Held& a, const Held& b) {
    return a.inode != b.inode ? a.inode < b.inode : a.fd < b.fd;
  });
  list.erase(std::unique(list.begin(), list.end(), [](const Held& a, const Held& b) { return a.inode == b.inode; }), list.end());
  list.shrink_to_fit();
}

// A link's permission bits tell how the file was opened (0500 read, 0300 write). Sockets are always both.
std::string mode_of(int table, const char* name) {
  struct stat status {};
  if (::fstatat(table, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return "-";
  char text[8];
  std::snprintf(text, sizeof text, "%04o", status.st_mode & 07777u);
  return text;
}

void keep_fd_list(archive::JournalEntry entry, const FdList& list, MemberBuffer& member, Output& output) {
  entry.end_nsec = boottime_nsec();
  entry.count = list.links;
  entry.bytes = member.size_bytes();
  if (list.error != 0) {  // the table was listed in part
    const bool gone = list.error == ESRCH || list.error == ENOENT;
    entry.outcome = gone ? base::OutcomeKind::vanished : base::OutcomeKind::cut;
    entry.errno_number = list.error;
    entry.count.reset();  // how many are missing is not known
  }
  member.finish(entry.member);
  output.journal(entry);
  journal_failures(std::move(entry), list.failures, "links that could not be read", output);
}

FdTable table_of(const Whose& whose, const FdList& list) {
  return {static_cast<std::int32_t>(whose.pid), static_cast<std::int32_t>(whose.tid), list.entries, list.hash,
          list.rings, whose.reused, list.has_sockets};
}

// "UserFiles:\t2", "    0: socket:[4711]" (io_uring_show_fdinfo, io_uring/fdinfo.c). False: the table is left out.
bool note_registered(std::string_view text, Seen& seen) {
  bool has_table = false;
  base::LineReader lines(text);
  while (const auto line = lines.next()) {
    base::TextCursor words(line->text);
    const std::string_view name = words.word().value_or("");
    has_table |= name == "UserFiles:";
    if (const auto inode = decode::inode_of_link(words.word().value_or(""), "socket"))
      seen.registered.push_back(static_cast<std::uint32_t>(*inode));
  }
  return has_table;
}

}  // namespace

FdList read_fd_table(int directory, const Whose& whose, Output& output, Seen& seen, MemberBuffer* member) {
  FdList list;
  list.hash = kHashOfNothing;
  const base::Fd table(::openat(directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!table) {
    list.not_opened = errno;
    return list;
  }
  const auto pid = static_cast<std::int32_t>(whose.pid), tid = static_cast<std::int32_t>(whose.tid);
  std::string target, record;
  list.error = visit_directory(table.get(), [&](const char* name, unsigned char) {
    const int failure = read_link(table.get(), name, target);
    const bool is_socket = failure == 0 && target.starts_with("socket:");
    record.clear();
    if (failure != 0) append_link(record, name, "!" + std::to_string(failure), "");
    else append_link(record, name, is_socket ? "-" : mode_of(table.get(), name), target);
    if (member != nullptr) member->append(record);
    list.hash = hashed(list.hash, record);
    ++list.entries;
    if (failure != 0) ++list.failures[failure];
    else ++list.links;
    const auto number = base::parse_integer<std::uint32_t>(name);
    if (failure != 0 || !number) {
    } else if (is_socket) {
      list.has_sockets = true;
      if (const auto inode = decode::inode_of_link(target, "socket"))
        seen.held.push_back({static_cast<std::uint32_t>(*inode), pid, *number, tid});
    } else if (target == kRing) {
      list.rings.push_back(*number);
    } else if (const auto inode = decode::inode_of_link(target, "net")) {
      seen.namespace_fds.push_back({*inode, pid, *number, tid});
    }
    return list.entries % kBeatLinks != 0 || output.beat();
  });
  keep_lowest(seen.held);
  keep_lowest(seen.namespace_fds);
  return list;
}

int read_first_table(int directory, const Whose& whose, bool keep_empty, Output& output) {
  archive::JournalEntry entry = entry_about(whose, "proc_pid_fd", "fds");
  entry.begin_nsec = boottime_nsec();
  Seen seen;
  MemberBuffer member(output);
  const FdList list = read_fd_table(directory, whose, output, seen, &member);
  if (list.not_opened != 0) {
    journal_failure(std::move(entry), list.not_opened, "the fd table can't be opened", output);
    return list.not_opened;
  }
  if (list.entries == 0 && list.error == 0 && !keep_empty) return 0;
  keep_fd_list(std::move(entry), list, member, output);
  if (list.links == 0 && !list.failures.empty()) return list.failures.begin()->first;  // no use to look again
  read_rings(directory, whose, list.rings, output, seen);
  seen.tables.push_back(table_of(whose, list));
  output.seen(std::move(seen));
  return 0;
}

void read_table_again(int directory, const Whose& whose, const FdTable* before, int pass, bool whole, Output& output) {
  archive::JournalEntry entry = entry_about(whose, "proc_pid_fd", "pass" + std::to_string(pass) + "/fds");
  entry.pass = pass;
  entry.begin_nsec = boottime_nsec();
  struct stat status {};
  if (!whole && before != nullptr && ::fstatat(directory, "fd", &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      status.st_size > 0 && static_cast<std::uint64_t>(status.st_size) == before->count)
    return;
  Seen seen;
  MemberBuffer member(output);
  const FdList list = read_fd_table(directory, whose, output, seen, &member);
  if (list.not_opened != 0) {
    // What ended meanwhile holds nothing any more; its first table is kept. What could not be opened then, can't now.
    if (before != nullptr && list.not_opened != ENOENT && list.not_opened != ESRCH)
      journal_failure(std::move(entry), list.not_opened, "the fd table can't be opened", output);
    return;
  }
  const bool same = before != nullptr ? list.hash == before->hash : list.entries == 0;
  if (same && list.error == 0) return;
  keep_fd_list(std::move(entry), list, member, output);
  std::vector<std::uint32_t> more;
  for (const std::uint32_t fd : list.rings)
    if (before == nullptr || std::find(before->rings.begin(), before->rings.end(), fd) == before->rings.end())
      more.push_back(fd);
  read_rings(directory, whose, more, output, seen);
  FdTable now = table_of(whose, list);
  if (before != nullptr) now.rings.insert(now.rings.end(), before->rings.begin(), before->rings.end());
  seen.tables.push_back(std::move(now));
  output.seen(std::move(seen));
}

void read_rings(int directory, const Whose& whose, const std::vector<std::uint32_t>& fds, Output& output, Seen& seen) {
  int tries_left = kMaxTableTries;
  for (const std::uint32_t fd : fds) {
    const std::string path = "fdinfo/" + std::to_string(fd);
    archive::JournalEntry entry = entry_about(whose, "proc_pid_fdinfo", path);
    entry.begin_nsec = boottime_nsec();
    std::string text;
    int error = 0;
    bool has_table = false;
    for (int i = 0; i < kMaxRingTries && !has_table; ++i) {
      if (i > 0) {
        if (tries_left-- <= 0) break;
        const timespec pause{0, 1'000'000};
        ::nanosleep(&pause, nullptr);
      }
      error = read_small_file(directory, path.c_str(), kMaxRingBytes, text);
      if (!output.beat() || error != 0) break;
      has_table = note_registered(text, seen);
    }
    if (error != 0) {
      journal_failure(std::move(entry), error, "an io_uring, whose registered files are not known", output);
      continue;
    }
    entry.end_nsec = boottime_nsec();
    entry.bytes = text.size();
    if (!has_table || text.size() >= kMaxRingBytes) {
      entry.outcome = base::OutcomeKind::cut;
      entry.count = 1;
      entry.detail = has_table ? "kept the first " + std::to_string(kMaxRingBytes) + " bytes"
                               : "the ring was busy each time: its registered files are not known";
    }
    MemberBuffer member(output);
    member.append(text);
    member.finish(entry.member);
    output.journal(std::move(entry));
  }
}

}  // namespace ssnap::capture
