#include "capture/exe_hashes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "base/sha256.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "capture/process_files.h"
#include "capture/processes.h"

namespace ssnap::capture {
namespace {

constexpr const char kSource[] = "exe_hashes";
constexpr std::size_t kReadBytes = 256 * 1024;
// Of one file. A disk reads the largest in some seconds; a slow network file system must not hold up the rest for long,
// although each single read of it is within the deadline.
constexpr std::uint64_t kMaxFileNsec = 30ull * base::kNsecPerSec;

// What makes two files the same one, unchanged.
struct FileId {
  std::uint32_t major = 0, minor = 0;
  std::uint64_t inode = 0, size = 0;
  std::int64_t mtime_sec = 0;
  std::uint32_t mtime_nsec = 0;

  auto operator<=>(const FileId&) const = default;
};

struct Runner {
  SeenProcess process;
  std::string target;  // of its exe link
};

std::string exe_path(const SeenProcess& process) {
  return process.living_thread != 0 ? "task/" + std::to_string(process.living_thread) + "/exe" : "exe";
}

base::Fd open_exe(int directory, const SeenProcess& process, int flags) {
  int fd = -1;
  do {
    fd = ::openat(directory, exe_path(process).c_str(), flags | O_CLOEXEC | O_NOCTTY);
  } while (fd < 0 && errno == EINTR);
  return base::Fd(fd);
}

// By what the kernel has of the file: a server behind a network or FUSE mount is not asked (AT_STATX_DONT_SYNC).
// EMEDIUMTYPE: no regular file.
int identify(int fd, FileId& id) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &status) != 0) return errno;
  if (!S_ISREG(status.stx_mode)) return EMEDIUMTYPE;
  id = {status.stx_dev_major, status.stx_dev_minor, status.stx_ino, status.stx_size,
        status.stx_mtime.tv_sec, status.stx_mtime.tv_nsec};
  return 0;
}

bool has_ended(int error) { return error == ENOENT || error == ESRCH || error == EEXIST; }

}  // namespace

class ExeFiles {
 public:
  // In the order of their first process. A thread that was given up may still call this: too late for take().
  void add(const FileId& id, Runner runner) {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = index_.emplace(id, files_.size());
    if (is_new) files_.push_back({id, {}});
    files_[at->second].second.push_back(std::move(runner));
  }
  std::vector<std::pair<FileId, std::vector<Runner>>> take() {
    const std::lock_guard lock(mutex_);
    return std::move(files_);
  }

 private:
  std::mutex mutex_;
  std::map<FileId, std::size_t> index_;
  std::vector<std::pair<FileId, std::vector<Runner>>> files_;
};

namespace {

archive::JournalEntry entry_of(const SeenProcess& process) {
  archive::JournalEntry entry;
  entry.source = kSource;
  entry.pid = process.pid;
  entry.count = 1;
  return entry;
}

// A process a step.
class ExeFilesTask : public Task {
 public:
  ExeFilesTask(const Host& host, const Seen& walks, std::shared_ptr<ExeFiles> found) : host_(host), found_(std::move(found)) {
    std::set<std::int32_t> holders;
    for (const FdTable& table : walks.tables)
      if (table.has_sockets || !table.rings.empty()) holders.insert(table.pid);
    for (const auto& [pid, known] : known_processes(walks))
      if (!known.process.kernel_thread && holders.count(pid) != 0) processes_.push_back(known.process);
  }

  std::size_t step_count() const override { return processes_.size(); }
  archive::JournalEntry about(std::size_t step) const override { return entry_of(processes_[step]); }

  void run(std::size_t step, Output& output) override {
    const SeenProcess& process = processes_[step];
    base::Fd directory;
    int error = open_same_process(host_, process, directory);
    FileId id;
    Runner runner{process, {}};
    if (error == 0) error = look(directory.get(), runner, id);
    if (error == 0) return found_->add(id, std::move(runner));
    // It ended, or it has no executable: a zombie.
    if (has_ended(error)) return;
    if (error != EMEDIUMTYPE) return journal_failure(about(step), error, "its executable can't be looked at", output);
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    entry.outcome = base::OutcomeKind::skipped;
    entry.detail = "its executable is no regular file: not opened";
    output.journal(std::move(entry));
  }

 private:
  // The link before and after the file: in between the process may execute another one.
  static int look(int directory, Runner& runner, FileId& id) {
    constexpr int kMaxTries = 8;
    std::string after;
    for (int i = 0; i < kMaxTries; ++i) {
      if (const int error = read_link(directory, exe_path(runner.process).c_str(), runner.target)) return error;
      const base::Fd fd = open_exe(directory, runner.process, O_PATH);
      if (!fd) return errno;
      if (const int error = identify(fd.get(), id)) return error;
      if (const int error = read_link(directory, exe_path(runner.process).c_str(), after)) return error;
      if (after == runner.target) return 0;
    }
    return EAGAIN;
  }

  const Host& host_;
  std::shared_ptr<ExeFiles> found_;
  std::vector<SeenProcess> processes_;
};

class ExeHashTask : public Task {
 public:
  ExeHashTask(const Host& host, std::size_t number, FileId id, std::vector<Runner> runners, std::uint64_t max_bytes)
      : host_(host), member_("exe-hashes/" + std::to_string(number)), id_(id), runners_(std::move(runners)), max_bytes_(max_bytes) {}

  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry = entry_of(runners_.front().process);
    entry.count = runners_.size();
    entry.detail = "processes of one executable that was not hashed";
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = boottime_nsec();
    std::string sha256;
    hash(entry, sha256, output);
    entry.end_nsec = boottime_nsec();
    if (entry.outcome == base::OutcomeKind::ok) {
      std::string text = record(sha256);
      entry.pid.reset();
      entry.detail.clear();
      entry.member = member_;
      entry.bytes = text.size();
      output.member(member_, std::move(text));
    }
    output.journal(std::move(entry));
  }

 private:
  static void fail(archive::JournalEntry& entry, base::OutcomeKind outcome, const std::string& why) {
    entry.outcome = outcome;
    entry.detail += ": " + why;
  }

  void hash(archive::JournalEntry& entry, std::string& sha256, Output& output) const {
    if (id_.size > max_bytes_)
      return fail(entry, base::OutcomeKind::cut, std::to_string(id_.size) + " bytes, above the limit of " + std::to_string(max_bytes_));
    int error = 0;
    const base::Fd fd = open_file(error);
    if (!fd) {
      entry.errno_number = has_ended(error) ? 0 : error;
      return fail(entry, has_ended(error) ? base::OutcomeKind::vanished : base::outcome_of_errno(error), "it can't be opened any more");
    }
    base::Sha256 running;
    std::string buffer(kReadBytes, '\0');
    for (std::uint64_t done = 0;;) {
      const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        entry.errno_number = errno;
        return fail(entry, base::OutcomeKind::cut, "it could not be read to its end");
      }
      if (got == 0) break;
      done += static_cast<std::uint64_t>(got);
      if (done > id_.size) break;  // it grew: found out below
      running.update({buffer.data(), static_cast<std::size_t>(got)});
      if (!output.beat()) return fail(entry, base::OutcomeKind::cut, "the capture was ended");
      if (boottime_nsec() - entry.begin_nsec > kMaxFileNsec)
        return fail(entry, base::OutcomeKind::timeout, std::to_string(done) + " bytes were read in 30 seconds");
    }
    FileId now;
    if (identify(fd.get(), now) != 0 || now != id_) return fail(entry, base::OutcomeKind::cut, "it changed while it was read");
    sha256 = running.hex();
  }

  // Through the first process that still runs it.
  base::Fd open_file(int& error) const {
    error = ESRCH;
    for (const Runner& runner : runners_) {
      base::Fd directory;
      const int failure = open_same_process(host_, runner.process, directory);
      if (failure != 0) {
        error = failure;
        continue;
      }
      // Reading would set the time of last access; only the file's owner, or who may act as him, can prevent that.
      constexpr int kFlags = O_RDONLY | O_NONBLOCK;
      base::Fd fd = open_exe(directory.get(), runner.process, kFlags | O_NOATIME);
      if (!fd && errno == EPERM) fd = open_exe(directory.get(), runner.process, kFlags);
      error = errno;
      FileId now;
      if (fd && identify(fd.get(), now) == 0 && now == id_) return fd;
      if (fd) error = ESRCH;  // it runs another one by now, or the file has changed
    }
    return {};
  }

  std::string record(const std::string& sha256) const {
    std::string nsec = std::to_string(id_.mtime_nsec);
    nsec.insert(0, 9 - nsec.size(), '0');
    std::string text = "file " + sha256 + ' ' + std::to_string(id_.size) + ' ' + std::to_string(id_.major) + ':' +
                       std::to_string(id_.minor) + ' ' + std::to_string(id_.inode) + ' ' + std::to_string(id_.mtime_sec) + '.' + nsec + '\0';
    for (const Runner& runner : runners_)
      text += "process " + std::to_string(runner.process.pid) + ' ' + std::to_string(runner.process.start_ticks) + ' ' + runner.target + '\0';
    return text;
  }

  const Host& host_;
  std::string member_;
  FileId id_;
  std::vector<Runner> runners_;
  std::uint64_t max_bytes_;
};

}  // namespace

std::shared_ptr<ExeFiles> make_exe_files() { return std::make_shared<ExeFiles>(); }

std::shared_ptr<Task> exe_files_task(const Host& host, const Seen& walks, std::shared_ptr<ExeFiles> found) {
  return std::make_shared<ExeFilesTask>(host, walks, std::move(found));
}

std::vector<std::shared_ptr<Task>> exe_hash_tasks(const Host& host, ExeFiles& found, std::uint64_t max_bytes) {
  std::vector<std::shared_ptr<Task>> tasks;
  for (auto& [id, runners] : found.take())
    tasks.push_back(std::make_shared<ExeHashTask>(host, tasks.size() + 1, id, std::move(runners), max_bytes));
  return tasks;
}

}  // namespace ssnap::capture
