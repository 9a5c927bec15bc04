#include "capture/processes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>
#include <string>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

// A process can present a command line of any size (PR_SET_MM_MAP: 1 GiB measured); execve takes 6 MiB at most by default
// (fs/exec.c: three quarters of _STK_LIM).
constexpr std::uint64_t kMaxCmdlineBytes = 6 * 1024 * 1024;
// stat, status, cgroup: a few KiB in practice.
constexpr std::uint64_t kMaxProcessFileBytes = 1024 * 1024;

// Read in this order: the fds early, for they change fastest; the command line last, for its read can hang (it takes
// the process's mmap_lock, and may page from FUSE).
enum Step : std::size_t { kStat, kFds, kLinks, kStatus, kCgroup, kCmdline, kStepCount };
constexpr std::array<const char*, kStepCount> kStepNames{"stat", "fds", "links", "status", "cgroup", "cmdline"};

constexpr const char* kLinkNames[] = {"exe",    "cwd",    "root",   "ns/cgroup", "ns/ipc", "ns/mnt",
                                   "ns/net", "ns/pid", "ns/time", "ns/user",   "ns/uts"};

// The archive's list of links: NAME MODE TARGET, each ended by NUL. MODE: "-" not asked, octal, or "!ERRNO".
void append_link(std::string& list, std::string_view name, std::string_view mode, std::string_view target) {
  list.append(name).append(1, ' ').append(mode).append(1, ' ').append(target).append(1, '\0');
}

class ProcessTask : public Task {
 public:
  ProcessTask(const Host& host, std::int64_t pid) : host_(host), pid_(pid) {}

  std::size_t step_count() const override { return kStepCount; }

  archive::JournalEntry about(std::size_t step) const override {
    archive::JournalEntry entry;
    entry.source = step == kFds ? "proc_pid_fd" : step == kLinks ? "proc_pid_link" : "proc_pid";
    entry.pid = pid_;
    entry.member = "proc/" + std::to_string(pid_) + "/" + kStepNames[step];
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    if (step == kStat) {
      const archive::JournalEntry entry = about(step);
      directory_ = base::Fd(::openat(host_.proc.get(), std::to_string(pid_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!directory_) return fail(entry, errno, "the process can't be opened", output);
    }
    if (!directory_) return;
    if (step == kFds) return read_fds(output);
    if (step == kLinks) return read_links(output);
    const std::uint64_t max_bytes = step == kCmdline ? kMaxCmdlineBytes : kMaxProcessFileBytes;
    const int error = read_file_member(directory_.get(), kStepNames[step], max_bytes, about(step), output);
    // Ended meanwhile: said once, the other files would only say it again.
    if (error == ESRCH) directory_.reset();
  }

 private:
  void fail(archive::JournalEntry entry, int error, const char* why, Output& output) const {
    entry.member.clear();
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    entry.errno_number = error;
    entry.outcome = base::outcome_of_errno(error);
    entry.count = 1;
    entry.detail = why;
    output.journal(std::move(entry));
  }

  // One entry a kind of failure: how many links of this list ended so.
  void journal_failures(const archive::JournalEntry& about, const std::map<int, std::uint64_t>& failures,
                        std::uint64_t begin, Output& output) const {
    for (const auto& [error, count] : failures) {
      archive::JournalEntry entry = about;
      entry.begin_nsec = begin;
      entry.end_nsec = boottime_nsec();
      entry.errno_number = error;
      entry.outcome = base::outcome_of_errno(error);
      entry.count = count;
      output.journal(std::move(entry));
    }
  }

  void read_fds(Output& output) {
    archive::JournalEntry entry = about(kFds);
    entry.begin_nsec = boottime_nsec();
    const base::Fd table(::openat(directory_.get(), "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!table) return fail(entry, errno, "the fd table can't be opened", output);
    std::vector<DirEntry> entries;
    const int error = list_directory(table.get(), entries, [&] { return output.beat(); });
    std::string list, target;
    std::map<int, std::uint64_t> failures;
    std::uint64_t read = 0;
    for (const DirEntry& fd : entries) {
      const int failure = read_link(table.get(), fd.name.c_str(), target);
      if (failure != 0) {
        ++failures[failure];
        append_link(list, fd.name, "!" + std::to_string(failure), "");
        continue;
      }
      ++read;
      append_link(list, fd.name, target.starts_with("socket:") ? "-" : mode_of(table.get(), fd.name), target);
      if ((read & 0xff) == 0 && !output.beat()) break;
    }
    const std::uint64_t begin = entry.begin_nsec;
    entry.end_nsec = boottime_nsec();
    entry.count = read;
    entry.bytes = list.size();
    if (error != 0) {  // the table was listed in part
      entry.outcome = error == ESRCH || error == ENOENT ? base::OutcomeKind::vanished : base::OutcomeKind::cut;
      entry.errno_number = error;
      entry.count.reset();  // how many are missing is not known
    }
    if (list.size() > kSmallMemberBytes) {
      archive::MemberCompressor compressor(output.level());
      compressor.append(list);
      output.large(compressor.finish(entry.member));
    } else {
      output.member(entry.member, std::move(list));
    }
    output.journal(entry);
    entry.detail = "links that could not be read";
    entry.bytes.reset();
    journal_failures(entry, failures, begin, output);
  }

  // A link's permission bits tell how the file was opened (0500 read, 0300 write). Sockets are always both.
  static std::string mode_of(int table, const std::string& name) {
    struct stat status {};
    if (::fstatat(table, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return "-";
    char text[8];
    std::snprintf(text, sizeof text, "%04o", status.st_mode & 07777u);
    return text;
  }

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
    entry.detail = "links that could not be read";
    entry.bytes.reset();
    journal_failures(entry, failures, entry.begin_nsec, output);
  }

  const Host& host_;
  std::int64_t pid_;
  base::Fd directory_;
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

std::shared_ptr<Task> process_task(const Host& host, std::int64_t pid) {
  return std::make_shared<ProcessTask>(host, pid);
}

}  // namespace ssnap::capture
