// Reading files, links and directories relative to a directory held open. System calls only: no opendir, no stat of
// what a link points to, sizes never trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "capture/output.h"

namespace ssnap::capture {

struct DirEntry {
  std::string name;
  unsigned char type = 0;  // d_type: DT_DIR, DT_REG, DT_LNK, ..., DT_UNKNOWN
};

// The longest list that is believed: Linux has 4,194,304 processes and threads at most (PID_MAX_LIMIT), and allows a process
// a quarter as many fds unless told otherwise (fs.nr_open). One that grows while it is read need not end.
constexpr std::size_t kMaxDirEntries = 4'194'304;

// Shows `visit` each entry but "." and "..", in the order that the kernel gives; the name lasts as long as the call. Returns
// errno (0: all seen); EINTR where `visit` returned false, EFBIG after kMaxDirEntries.
int visit_directory(int directory_fd, const std::function<bool(const char* name, unsigned char type)>& visit);

// The same as a list. `beat` is called between system calls and returns false to stop early.
int list_directory(int directory_fd, std::vector<DirEntry>& entries, const std::function<bool()>& beat);

// The target of a link, any length up to a page (procfs gives no more). Returns errno.
int read_link(int directory_fd, const char* name, std::string& target);

// Reads a whole file below `directory_fd` into member `name` and journals it as `entry` (whose source, member and ids
// are set; times, bytes and outcome are filled in). At most `max_bytes` are kept: what is beyond is a cut.
// A file that can't be opened, or fails before its first byte, makes an entry and no member.
// `if_absent`: what it means that the file isn't there (ENOENT): of a process that it ended, of another file that this
// host has none. `look`, if given, is shown each piece that is kept. O_NOFOLLOW: the last component must not be a link.
// Returns the errno that ended it, 0 for a whole file.
int read_file_member(int directory_fd, const char* path, std::uint64_t max_bytes, archive::JournalEntry entry,
                     Output& output, base::OutcomeKind if_absent = base::OutcomeKind::vanished,
                     const std::function<void(std::string_view)>& look = nullptr);

// The same for a small file that the collector itself needs; nothing is journalled. Returns errno.
int read_small_file(int directory_fd, const char* path, std::size_t max_bytes, std::string& bytes);

}  // namespace ssnap::capture
