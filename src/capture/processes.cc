#include "capture/processes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/link_list.h"

namespace ssnap::capture {
namespace {

// A process can present a command line of any size (PR_SET_MM_MAP: 1 GiB measured); execve takes 6 MiB at most by default
// (fs/exec.c: three quarters of _STK_LIM).
constexpr std::uint64_t kMaxCmdlineBytes = 6 * 1024 * 1024;
// stat, status, cgroup: a few KiB in practice.
constexpr std::uint64_t kMaxProcessFileBytes = 1024 * 1024;

// Sockets that no dump shows are few: raw, vsock, XDP, and those that came or went. More of them than this are
// counted, not asked for one by one.
constexpr std::size_t kMaxAskedNames = 20'000;
// Protocol names are short ("UDPLITEv6"); sock->sk_prot->name has 32 bytes.
constexpr std::size_t kMaxProtocolName = 64;
// A distribution's host has some ten KiB of mounts, one with many containers some MiB.
constexpr std::uint64_t kMaxMountinfoBytes = 16 * 1024 * 1024;

// Read in this order: the fds early, for they change fastest; the command line last, for its read can hang (it takes
// the process's mmap_lock, and may page from FUSE).
enum Step : std::size_t { kStat, kFds, kLinks, kStatus, kCgroup, kCmdline, kMountinfo, kStepCount };
constexpr std::array<const char*, kStepCount> kStepNames{"stat",   "fds",     "links",    "status",
                                                         "cgroup", "cmdline", "mountinfo"};

constexpr const char* kLinkNames[] = {"exe",    "cwd",    "root",   "ns/cgroup", "ns/ipc", "ns/mnt",
                                   "ns/net", "ns/pid", "ns/time", "ns/user",   "ns/uts"};

// The archive's list of links: NAME MODE TARGET, each ended by NUL. MODE: "-" not asked, octal, or "!ERRNO".
void append_link(std::string& list, std::string_view name, std::string_view mode, std::string_view target) {
  list.append(name).append(1, ' ').append(mode).append(1, ' ').append(target).append(1, '\0');
}

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return hash;
}

archive::JournalEntry about_process(std::int64_t pid, const char* source, const std::string& file) {
  archive::JournalEntry entry;
  entry.source = source;
  entry.pid = pid;
  entry.member = "proc/" + std::to_string(pid) + "/" + file;
  return entry;
}

void journal_failure(archive::JournalEntry entry, int error, const char* why, Output& output) {
  entry.member.clear();
  entry.begin_nsec = entry.end_nsec = boottime_nsec();
  entry.errno_number = error;
  entry.outcome = base::outcome_of_errno(error);
  entry.count = 1;
  entry.detail = why;
  output.journal(std::move(entry));
}

// One entry a kind of failure: how many links of this list ended so.
void journal_failures(archive::JournalEntry about, const std::map<int, std::uint64_t>& failures, Output& output) {
  about.detail = "links that could not be read";
  about.bytes.reset();
  for (const auto& [error, count] : failures) {
    about.errno_number = error;
    about.outcome = base::outcome_of_errno(error);
    about.count = count;
    output.journal(about);
  }
}

// A link's permission bits tell how the file was opened (0500 read, 0300 write). Sockets are always both.
std::string mode_of(int table, const std::string& name) {
  struct stat status {};
  if (::fstatat(table, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return "-";
  char text[8];
  std::snprintf(text, sizeof text, "%04o", status.st_mode & 07777u);
  return text;
}

struct FdList {
  std::string bytes;  // as the archive keeps it
  std::uint64_t links = 0, entries = 0;
  int error = 0;  // that ended the listing early
  std::map<int, std::uint64_t> failures;
};

// Reads every link of an open /proc/PID/fd, and notes the sockets and namespaces among them.
FdList read_fd_table(int table, std::int64_t pid, Output& output, Seen& seen) {
  FdList list;
  std::vector<DirEntry> entries;
  list.error = list_directory(table, entries, [&] { return output.beat(); });
  list.entries = entries.size();
  std::string target;
  for (const DirEntry& entry : entries) {
    const int failure = read_link(table, entry.name.c_str(), target);
    if (failure != 0) {
      ++list.failures[failure];
      append_link(list.bytes, entry.name, "!" + std::to_string(failure), "");
      continue;
    }
    ++list.links;
    const bool is_socket = target.starts_with("socket:");
    append_link(list.bytes, entry.name, is_socket ? "-" : mode_of(table, entry.name), target);
    const auto number = base::parse_integer<std::uint32_t>(entry.name);
    if (is_socket) {
      const auto inode = decode::inode_of_link(target, "socket");
      if (inode && number)
        seen.held.push_back({static_cast<std::uint32_t>(*inode), static_cast<std::int32_t>(pid), *number});
    } else if (const auto inode = decode::inode_of_link(target, "net"); inode && number) {
      seen.namespace_fds.push_back({*inode, static_cast<std::int32_t>(pid), *number});
    }
    if ((list.links & 0xff) == 0 && !output.beat()) {
      list.error = EINTR;
      break;
    }
  }
  return list;
}

class ProcessTask : public Task {
 public:
  ProcessTask(const Host& host, std::int64_t pid, bool with_mountinfo)
      : host_(host), pid_(pid), with_mountinfo_(with_mountinfo) {}

  std::size_t step_count() const override { return with_mountinfo_ ? kStepCount : kMountinfo; }

  archive::JournalEntry about(std::size_t step) const override {
    return about_process(pid_, step == kFds ? "proc_pid_fd" : step == kLinks ? "proc_pid_link" : "proc_pid", kStepNames[step]);
  }

  void run(std::size_t step, Output& output) override {
    if (step == kStat) {
      directory_ = base::Fd(::openat(host_.proc.get(), std::to_string(pid_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!directory_) return journal_failure(about(step), errno, "the process can't be opened", output);
    }
    if (!directory_) return;
    if (step == kFds) return read_fds(output);
    if (step == kLinks) return read_links(output);
    const std::uint64_t max_bytes = step == kCmdline     ? kMaxCmdlineBytes
                                    : step == kMountinfo ? kMaxMountinfoBytes
                                                         : kMaxProcessFileBytes;
    const int error = read_file_member(directory_.get(), kStepNames[step], max_bytes, about(step), output);
    // Ended meanwhile: said once, the other files would only say it again.
    if (error == ESRCH) directory_.reset();
  }

 private:
  void read_fds(Output& output) {
    archive::JournalEntry entry = about(kFds);
    entry.begin_nsec = boottime_nsec();
    const base::Fd table(::openat(directory_.get(), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!table) return journal_failure(entry, errno, "the fd table can't be opened", output);
    Seen seen;
    FdList list = read_fd_table(table.get(), pid_, output, seen);
    seen.tables.push_back({static_cast<std::int32_t>(pid_), list.entries, hash_of(list.bytes)});
    keep_fd_list(std::move(entry), std::move(list), output);
    output.seen(std::move(seen));
  }

 public:
  static void keep_fd_list(archive::JournalEntry entry, FdList list, Output& output) {
    entry.end_nsec = boottime_nsec();
    entry.count = list.links;
    entry.bytes = list.bytes.size();
    if (list.error != 0) {  // the table was listed in part
      const bool gone = list.error == ESRCH || list.error == ENOENT;
      entry.outcome = gone ? base::OutcomeKind::vanished : base::OutcomeKind::cut;
      entry.errno_number = list.error;
      entry.count.reset();  // how many are missing is not known
    }
    MemberBuffer member(output);
    member.append(list.bytes);
    member.finish(entry.member);
    output.journal(entry);
    journal_failures(std::move(entry), list.failures, output);
  }

 private:
  void read_links(Output& output) {
    archive::JournalEntry entry = about(kLinks);
    entry.begin_nsec = boottime_nsec();
    std::string list, target;
    std::map<int, std::uint64_t> failures;
    for (const char* name : kLinkNames) {
      const int failure = read_link(directory_.get(), name, target);
      append_link(list, name, failure == 0 ? "-" : "!" + std::to_string(failure), failure == 0 ? target : "");
      // A kernel thread has no exe, a zombie no cwd, an older kernel not every namespace: ENOENT is an answer.
      if (failure != 0 && failure != ENOENT) ++failures[failure];
    }
    entry.end_nsec = boottime_nsec();
    entry.bytes = list.size();
    output.member(entry.member, std::move(list));
    output.journal(entry);
    journal_failures(std::move(entry), failures, output);
  }

  const Host& host_;
  std::int64_t pid_;
  bool with_mountinfo_;
  base::Fd directory_;
};

class FdTask : public Task {
 public:
  FdTask(const Host& host, const FdTable& before, int pass, bool whole)
      : host_(host), before_(before), pass_(pass), whole_(whole) {}

  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry = about_process(before_.pid, "proc_pid_fd", "pass" + std::to_string(pass_) + "/fds");
    entry.pass = pass_;
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = boottime_nsec();
    const std::string path = std::to_string(before_.pid) + "/fd";
    struct stat status {};
    if (!whole_ && ::fstatat(host_.proc.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size > 0 &&
        static_cast<std::uint64_t>(status.st_size) == before_.count)
      return;
    const base::Fd table(::openat(host_.proc.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // A process that ended meanwhile holds nothing any more; its first table is kept.
    if (!table) return;
    Seen seen;
    FdList list = read_fd_table(table.get(), before_.pid, output, seen);
    output.seen(std::move(seen));
    if (hash_of(list.bytes) == before_.hash && list.error == 0) return;
    ProcessTask::keep_fd_list(std::move(entry), std::move(list), output);
  }

 private:
  const Host& host_;
  FdTable before_;
  int pass_;
  bool whole_;
};

class SockprotonameTask : public Task {
 public:
  SockprotonameTask(const Host& host, std::vector<HeldInode> held, int pass)
      : host_(host), held_(std::move(held)), pass_(pass) {}

  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry;
    entry.source = "sockprotoname";
    entry.member = "sockprotonames/pass" + std::to_string(pass_);
    entry.pass = pass_;
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = boottime_nsec();
    MemberBuffer member(output);
    Seen seen;
    for (std::size_t i = 0; i < held_.size() && i < kMaxAskedNames; ++i) {
      NamedInode named{held_[i], false, ""};
      const std::string path = std::to_string(named.held.pid) + "/fd/" + std::to_string(named.held.fd);
      std::string target;
      const bool there = read_link(host_.proc.get(), path.c_str(), target) == 0;
      named.still_there = there && decode::inode_of_link(target, "socket") == named.held.inode;
      if (named.still_there) named.protocol = protocol_name(path);
      std::string line = std::to_string(named.held.inode) + " " + std::to_string(named.held.pid) + " " +
                         std::to_string(named.held.fd) + " " + (named.still_there ? "held" : "gone") + " " +
                         named.protocol;
      line += '\0';
      member.append(line);
      seen.named.push_back(std::move(named));
      if (!output.beat()) break;
    }
    entry.end_nsec = boottime_nsec();
    entry.count = seen.named.size();
    entry.bytes = member.size_bytes();
    member.finish(entry.member);
    if (seen.named.size() < held_.size()) {
      archive::JournalEntry rest = entry;
      rest.member.clear();
      rest.bytes.reset();
      rest.outcome = base::OutcomeKind::cut;
      rest.count = held_.size() - seen.named.size();
      rest.detail = "sockets in no dump whose protocol was not asked for";
      output.journal(std::move(rest));
    }
    output.journal(std::move(entry));
    output.seen(std::move(seen));
  }

 private:
  // net/socket.c, sockfs_xattr_get(): answered from the socket itself, nothing is opened.
  std::string protocol_name(const std::string& path) const {
    char name[kMaxProtocolName];
    const std::string full = "/proc/self/fd/" + std::to_string(host_.proc.get()) + "/" + path;
    const ssize_t length = ::getxattr(full.c_str(), "system.sockprotoname", name, sizeof name);
    if (length <= 0) return "";
    return std::string(name, ::strnlen(name, static_cast<std::size_t>(length)));
  }

  const Host& host_;
  std::vector<HeldInode> held_;
  int pass_;
};

}  // namespace

std::vector<std::int64_t> list_processes(const Host& host, archive::JournalEntry& entry) {
  entry.source = "proc_list";
  entry.begin_nsec = boottime_nsec();
  std::vector<DirEntry> entries;
  std::vector<std::int64_t> pids;
  // A descriptor of its own: the listing must begin at the start.
  const base::Fd directory(::openat(host.proc.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int error = directory ? list_directory(directory.get(), entries, [] { return true; }) : errno;
  for (const DirEntry& item : entries)
    if (const auto pid = base::parse_integer<std::int64_t>(item.name); pid && *pid > 0) pids.push_back(*pid);
  std::sort(pids.begin(), pids.end());
  entry.end_nsec = boottime_nsec();
  entry.errno_number = error;
  entry.outcome = error == 0 ? base::OutcomeKind::ok : base::OutcomeKind::cut;
  entry.count = pids.size();
  return pids;
}

std::shared_ptr<Task> process_task(const Host& host, std::int64_t pid, bool with_mountinfo) {
  return std::make_shared<ProcessTask>(host, pid, with_mountinfo);
}

std::shared_ptr<Task> fd_task(const Host& host, const FdTable& before, int pass, bool whole) {
  return std::make_shared<FdTask>(host, before, pass, whole);
}

std::shared_ptr<Task> sockprotoname_task(const Host& host, std::vector<HeldInode> held, int pass) {
  return std::make_shared<SockprotonameTask>(host, std::move(held), pass);
}

}  // namespace ssnap::capture
