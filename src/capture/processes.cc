#include "capture/processes.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/fd_tables.h"
#include "capture/proc_fs.h"
#include "capture/threads.h"
#include "decode/proc_pid.h"

namespace ssnap::capture {
namespace {

// A process can present a command line of any size (PR_SET_MM_MAP: 1 GiB measured); execve takes 6 MiB at most by default
// (fs/exec.c: three quarters of _STK_LIM).
constexpr std::uint64_t kMaxCmdlineBytes = 6 * 1024 * 1024;
// stat, status, cgroup: a few KiB in practice.
constexpr std::uint64_t kMaxProcessFileBytes = 1024 * 1024;
// A distribution's host has some ten KiB of mounts, one with many containers some MiB.
constexpr std::uint64_t kMaxMountinfoBytes = 16 * 1024 * 1024;
constexpr std::size_t kMaxStatBytes = 4096;
constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD (include/linux/sched.h)

// Read in this order: the fds early, for they change fastest; the command line late, for its read can hang (it takes
// the process's mmap_lock, and may page from FUSE).
enum Step : std::size_t {
  kStat, kFds, kThreads, kLinks, kStatus, kCgroup, kLoginuid, kSessionid, kLabel, kCmdline, kEnviron, kMountinfo, kStepCount
};
struct StepRow {
  const char* source;
  const char* file;
  std::uint64_t max_bytes;
  bool of_thread;  // also of the thread that stands for a leader that has exited
};
constexpr std::array<StepRow, kStepCount> kSteps{{
    {"proc_pid", "stat", kMaxProcessFileBytes, true},
    {"proc_pid_fd", "fds", 0, false},
    {"proc_pid_task", "", 0, false},
    {"proc_pid_link", "links", 0, true},
    {"proc_pid", "status", kMaxProcessFileBytes, true},
    {"proc_pid", "cgroup", kMaxProcessFileBytes, true},
    {"proc_pid", "loginuid", kMaxProcessFileBytes, false},
    {"proc_pid", "sessionid", kMaxProcessFileBytes, false},
    {"proc_pid", "attr/current", kMaxProcessFileBytes, false},
    {"proc_pid", "cmdline", kMaxCmdlineBytes, true},
    {"proc_pid", "environ", kMaxCmdlineBytes, true},
    {"proc_pid", "mountinfo", kMaxMountinfoBytes, false},
}};

class ProcessTask : public Task {
 public:
  ProcessTask(const Host& host, const Whose& whose, OptionalFiles files, bool with_mountinfo)
      : host_(host), whose_(whose), files_(files), with_mountinfo_(with_mountinfo) {}

  std::size_t step_count() const override { return with_mountinfo_ ? kStepCount : kMountinfo; }

  archive::JournalEntry about(std::size_t step) const override { return about_file(step, whose_); }

  bool may_hang(std::size_t step) const override { return step == kCmdline || step == kEnviron; }

  void run(std::size_t step, Output& output) override {
    if (step == kStat) return read_stat(output);
    if (!is_open_ || has_ended_ || !is_wanted(step)) return;
    if (step == kThreads) return read_threads(output);
    if (step == kFds) {
      unreadable_ = read_first_table(directory_.get(), whose_, true, output) != 0;
      return;
    }
    read_file(step, directory_.get(), whose_, output);
    if (living_ && !has_ended_ && !thread_has_ended_ && kSteps[step].of_thread) read_file(step, living_.get(), thread_, output);
  }

 private:
  static archive::JournalEntry about_file(std::size_t step, const Whose& whose) {
    archive::JournalEntry entry = entry_about(whose, kSteps[step].source, kSteps[step].file);
    if (step == kThreads) entry.member.clear();
    return entry;
  }

  bool is_wanted(std::size_t step) const {
    switch (step) {
      case kThreads: return has_threads_ && (!unreadable_ || living_);
      // No login stands behind a kernel thread.
      case kLoginuid: return files_.loginuid && !kernel_thread_;
      case kSessionid: return files_.sessionid && !kernel_thread_;
      case kLabel: return files_.label && !kernel_thread_;
      case kEnviron: return files_.environ && !kernel_thread_;
      default: return true;
    }
  }

  void read_stat(Output& output) {
    directory_ = base::Fd(::openat(host_.proc.get(), std::to_string(whose_.pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    SeenProcess seen;
    seen.pid = static_cast<std::int32_t>(whose_.pid);
    seen.reused = whose_.reused;
    if (!directory_) {
      const int refusal = errno;
      if (refusal != ENOENT && refusal != ESRCH) note(seen, output);
      return journal_failure(about(kStat), refusal, "the process can't be opened", output);
    }
    std::string text;
    const int error = read_file_member(directory_.get(), "stat", kMaxProcessFileBytes, about(kStat), output,
                                       base::OutcomeKind::vanished, [&](std::string_view piece) { text += piece; });
    if (error == ESRCH) return;
    if (const auto stat = decode::decode_proc_pid_stat(text); stat.has_value()) {
      has_threads_ = stat->num_threads > 1;
      kernel_thread_ = seen.kernel_thread = (stat->flags & kKernelThread) != 0;
      seen.start_ticks = stat->start_ticks;
      if (has_threads_ && stat->state == 'Z') seen.living_thread = read_living_thread(output);
    }
    note(seen, output);
    is_open_ = true;
  }

  static void note(const SeenProcess& process, Output& output) {
    Seen seen;
    seen.processes.push_back(process);
    output.seen(std::move(seen));
  }

  // The leader has exited: who the process is, its first living thread tells.
  std::int32_t read_living_thread(Output& output) {
    const auto tid = find_living_thread(directory_.get(), whose_.pid, output);
    if (!tid) return 0;
    living_ = open_thread(directory_.get(), *tid);
    if (!living_) return 0;
    thread_ = {whose_.pid, *tid, whose_.reused};
    read_file(kStat, living_.get(), thread_, output);
    return static_cast<std::int32_t>(*tid);
  }

  void read_threads(Output& output) {
    for (const std::int64_t tid : threads_with_tables(host_, directory_.get(), whose_, output)) {
      const base::Fd thread = open_thread(directory_.get(), tid);
      const Whose whose{whose_.pid, tid, whose_.reused};
      if (thread) read_first_table(thread.get(), whose, living_ && tid == thread_.tid, output);
      else journal_failure(about_file(kThreads, whose), errno, "the thread can't be opened", output);
      if (!output.beat()) return;
    }
  }

  void read_file(std::size_t step, int directory, const Whose& whose, Output& output) {
    if (step == kLinks) return read_links(directory, whose, output);
    const int error = read_file_member(directory, kSteps[step].file, kSteps[step].max_bytes, about_file(step, whose), output);
    // Ended meanwhile: said once, the other files would only say it again.
    if (error == ESRCH) (whose.tid == 0 ? has_ended_ : thread_has_ended_) = true;
  }

  const Host& host_;
  Whose whose_;
  OptionalFiles files_;
  bool with_mountinfo_;
  // Written by the first step alone, and read when it is through with them. They stay open until nobody reads: a step that
  // was given up may still be at it.
  Whose thread_;
  base::Fd directory_, living_;
  bool has_threads_ = false, kernel_thread_ = false;
  std::atomic<bool> is_open_{false};
  std::atomic<bool> has_ended_{false}, thread_has_ended_{false};
  std::atomic<bool> unreadable_{false};  // the fds; the threads' are so as well
};

class SecondLookTask : public Task {
 public:
  SecondLookTask(const Host& host, KnownProcess before, int pass, bool whole, OptionalFiles files, bool may_be_reused)
      : host_(host), before_(std::move(before)), pass_(pass), whole_(whole), files_(files), may_be_reused_(may_be_reused) {}

  std::size_t step_count() const override { return successor_ ? 1 + successor_->step_count() : 1; }

  archive::JournalEntry about(std::size_t step) const override {
    if (step > 0) return successor_->about(step - 1);
    archive::JournalEntry entry = entry_about(leader(), "proc_pid_fd", "pass" + std::to_string(pass_) + "/fds");
    entry.pass = pass_;
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    if (step > 0) return successor_->run(step - 1, output);
    base::Fd directory;
    const int error = open_same_process(host_, before_.process, directory);
    if (error == EEXIST && may_be_reused_) {
      // Given up meanwhile: the other thread goes by the steps there were.
      if (output.beat()) successor_ = process_task(host_, {before_.process.pid, 0, true}, files_, false);
      return;
    }
    // A process that ended meanwhile holds nothing any more; its first tables are kept.
    if (error != 0) return;
    std::vector<std::int64_t> tids;
    if (whole_ && !before_.tables.empty()) tids = threads_with_tables(host_, directory.get(), leader(), output);
    for (const auto& [tid, table] : before_.tables)
      if (tid != 0 && std::find(tids.begin(), tids.end(), tid) == tids.end()) tids.push_back(tid);
    if (const auto own = before_.tables.find(0); own != before_.tables.end())
      read_table_again(directory.get(), leader(), &own->second, pass_, whole_, output);
    for (const std::int64_t tid : tids) {
      if (!output.beat()) return;
      const base::Fd thread = open_thread(directory.get(), tid);
      const auto before = before_.tables.find(static_cast<std::int32_t>(tid));
      if (thread) read_table_again(thread.get(), {leader().pid, tid, leader().reused},
                                   before == before_.tables.end() ? nullptr : &before->second, pass_, whole_, output);
    }
  }

 private:
  Whose leader() const { return {before_.process.pid, 0, before_.process.reused}; }

  const Host& host_;
  KnownProcess before_;
  int pass_;
  bool whole_;
  OptionalFiles files_;
  bool may_be_reused_;
  std::shared_ptr<Task> successor_;
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

OptionalFiles find_optional_files(const Host& host, archive::JournalEntry& entry) {
  entry.source = "proc_pid";
  entry.begin_nsec = boottime_nsec();
  entry.detail = "not in this kernel:";
  std::uint64_t missing = 0;
  const auto is_there = [&](const char* name) {
    std::string text;
    const int error = read_small_file(host.proc.get(), (std::string("self/") + name).c_str(), kMaxStatBytes, text);
    if (error == 0) return true;
    // attr/current: EINVAL, where no security module labels.
    entry.errno_number = error;
    entry.detail += std::string(" ") + name;
    ++missing;
    return false;
  };
  OptionalFiles files;
  files.loginuid = is_there("loginuid");
  files.sessionid = is_there("sessionid");
  files.label = is_there("attr/current");
  entry.end_nsec = boottime_nsec();
  entry.outcome = missing > 0 ? base::OutcomeKind::unsupported : base::OutcomeKind::ok;
  entry.count = missing;
  if (missing == 0) entry.detail.clear();
  return files;
}

std::shared_ptr<Task> process_task(const Host& host, const Whose& whose, OptionalFiles files, bool with_mountinfo) {
  return std::make_shared<ProcessTask>(host, whose, files, with_mountinfo);
}

std::shared_ptr<Task> second_look_task(const Host& host, KnownProcess before, int pass, bool whole, OptionalFiles files,
                                       bool may_be_reused) {
  return std::make_shared<SecondLookTask>(host, std::move(before), pass, whole, files, may_be_reused);
}

int open_same_process(const Host& host, const SeenProcess& process, base::Fd& directory) {
  directory = base::Fd(::openat(host.proc.get(), std::to_string(process.pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno;
  if (process.start_ticks == 0) return 0;
  std::string text;
  if (const int error = read_small_file(directory.get(), "stat", kMaxStatBytes, text)) return error;
  const auto stat = decode::decode_proc_pid_stat(text);
  return stat.has_value() && stat->start_ticks != process.start_ticks ? EEXIST : 0;
}

}  // namespace ssnap::capture
