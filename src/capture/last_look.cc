#include "capture/last_look.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/holders.h"
#include "capture/proc_fs.h"
#include "capture/process_files.h"
#include "capture/processes.h"
#include "decode/link_list.h"

namespace ssnap::capture {
namespace {

// Some hundred bytes of a UNIX socket.
constexpr std::size_t kMaxFdinfoBytes = 64 * 1024;
// 65,530 mappings (vm.max_map_count) have some 6 MiB, more with long paths or a higher limit.
constexpr std::uint64_t kMaxMapsBytes = 256 * 1024 * 1024;
constexpr std::size_t kMapsReadBytes = 64 * 1024;
constexpr std::uint64_t kBeatFds = 64;
constexpr std::string_view kMapped[] = {"socket:[", "anon_inode:[io_uring]"};
constexpr std::size_t kLongestMapped = 21;

// A process a step, since a read may hang; the last step says how many were looked at.
class LookTask : public Task {
 public:
  LookTask(const Host& host, const char* source, const char* what) : host_(host), source_(source), what_(what) {}

  std::size_t step_count() const override { return processes_.size() + 1; }

  archive::JournalEntry about(std::size_t step) const override {
    archive::JournalEntry entry;
    entry.source = source_;
    if (step < processes_.size()) entry.pid = processes_[step].pid;
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    if (step == 0) begin_nsec_ = boottime_nsec();
    if (step == processes_.size()) {
      archive::JournalEntry entry = about(step);
      entry.begin_nsec = begin_nsec_;
      entry.end_nsec = boottime_nsec();
      entry.count = looked_at_;
      entry.detail = what_;
      return output.journal(std::move(entry));
    }
    base::Fd directory;
    const int error = open_same_process(host_, processes_[step], directory);
    if (error == ENOENT || error == ESRCH || error == EEXIST) return;  // it ended: what it held is gone
    if (error != 0) return journal_failure(about(step), error, "the process can't be opened", output);
    look(processes_[step], directory.get(), output);
  }

 protected:
  virtual void look(const SeenProcess& process, int directory, Output& output) = 0;

  const Host& host_;
  const char* source_;
  const char* what_;
  std::vector<SeenProcess> processes_;
  std::atomic<std::uint64_t> begin_nsec_{0}, looked_at_{0};  // also written by a thread that was given up
};

class WaitingFdsTask : public LookTask {
 public:
  WaitingFdsTask(const Host& host, const std::vector<TableInode>& local, const Seen& walks)
      : LookTask(host, "proc_pid_fdinfo", "UNIX sockets looked at for descriptors in flight") {
    const auto known = known_processes(walks);
    for (const HeldInode& held : walks.held) {
      if (!contains(local, held.inode)) continue;
      const auto process = known.find(held.pid);
      if (process == known.end()) continue;
      auto& fds = held_[held.pid];
      if (fds.empty()) processes_.push_back(process->second.process);
      fds.push_back(held);
    }
    for (auto& [pid, fds] : held_) {  // two walks may have seen the same
      std::sort(fds.begin(), fds.end(), [](const HeldInode& a, const HeldInode& b) {
        return std::pair(a.tid, a.fd) != std::pair(b.tid, b.fd) ? std::pair(a.tid, a.fd) < std::pair(b.tid, b.fd)
                                                                : a.inode < b.inode;
      });
      fds.erase(std::unique(fds.begin(), fds.end(), [](const HeldInode& a, const HeldInode& b) {
                  return a.tid == b.tid && a.fd == b.fd && a.inode == b.inode;
                }), fds.end());
    }
  }

 private:
  void look(const SeenProcess& process, int directory, Output& output) override {
    std::map<int, std::uint64_t> failures;
    std::string target, text;
    std::uint64_t done = 0;
    for (const HeldInode& held : held_.at(process.pid)) {
      if (++done % kBeatFds == 0 && !output.beat()) return;
      const std::string number = std::to_string(held.fd);
      const std::string folder = held.tid != 0 ? "task/" + std::to_string(held.tid) + "/" : "";
      const std::uint64_t begin_nsec = boottime_nsec();
      if (const int error = read_small_file(directory, (folder + "fdinfo/" + number).c_str(), kMaxFdinfoBytes, text)) {
        ++failures[error];
        continue;
      }
      ++looked_at_;
      // Closed meanwhile, and perhaps another's.
      if (!has_waiting(text) || read_link(directory, (folder + "fd/" + number).c_str(), target) != 0 ||
          decode::inode_of_link(target, "socket") != held.inode)
        continue;
      archive::JournalEntry entry = entry_about({held.pid, held.tid, process.reused}, source_, "fdinfo/" + number);
      entry.begin_nsec = begin_nsec;
      entry.end_nsec = boottime_nsec();
      entry.bytes = text.size();
      output.member(entry.member, text);
      output.journal(std::move(entry));
    }
    archive::JournalEntry entry = entry_about({process.pid, 0, process.reused}, source_, "");
    entry.member.clear();
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    journal_failures(std::move(entry), failures, "UNIX sockets in which descriptors may wait", output);
  }

  // "scm_fds: 1" (unix_show_fdinfo, net/unix/af_unix.c), Linux 5.4.
  static bool has_waiting(std::string_view text) {
    base::LineReader lines(text);
    while (const auto line = lines.next()) {
      base::TextCursor words(line->text);
      if (words.word() == "scm_fds:") return words.decimal<std::uint64_t>().value_or(0) > 0;
    }
    return false;
  }

  std::map<std::int32_t, std::vector<HeldInode>> held_;
};

class MapsTask : public LookTask {
 public:
  // The mapping lock of the process is needed for it.
  bool may_hang(std::size_t step) const override { return step < processes_.size(); }

  MapsTask(const Host& host, const Seen& walks)
      : LookTask(host, "proc_pid_maps", "processes looked at for mapped sockets") {
    for (const auto& [pid, known] : known_processes(walks))
      if (!known.process.kernel_thread) processes_.push_back(known.process);
  }

 private:
  void look(const SeenProcess& process, int directory, Output& output) override {
    archive::JournalEntry entry = entry_about({process.pid, 0, process.reused}, source_, "maps");
    entry.begin_nsec = boottime_nsec();
    // All threads share the mappings, but a leader that has exited shows none.
    const std::string path = process.living_thread != 0 ? "task/" + std::to_string(process.living_thread) + "/maps" : "maps";
    const base::Fd fd(::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return journal_failure(std::move(entry), errno, kUnknown, output);
    const auto buffer = std::make_unique<char[]>(kMapsReadBytes);
    MemberBuffer member(output);
    std::string tail;
    bool is_wanted = false, over = false;
    for (;;) {
      const ssize_t got = ::read(fd.get(), buffer.get(), kMapsReadBytes);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return journal_failure(std::move(entry), errno, kUnknown, output);
      if (got == 0) break;
      const std::string_view piece(buffer.get(), static_cast<std::size_t>(got));
      member.append(piece);
      // A line that is in two pieces: what is long enough for a part of the words is seen again.
      tail += piece;
      for (const std::string_view words : kMapped) is_wanted |= tail.find(words) != std::string::npos;
      tail.erase(0, tail.size() - std::min(tail.size(), kLongestMapped));
      over = member.size_bytes() > kMaxMapsBytes;
      if (over || !output.beat()) break;
    }
    ++looked_at_;
    entry.end_nsec = boottime_nsec();
    if (over) {
      entry.outcome = base::OutcomeKind::cut;
      entry.count = 1;
      entry.detail = "mappings beyond the first " + std::to_string(kMaxMapsBytes) + " bytes were not looked at";
    }
    if (is_wanted) {
      entry.bytes = member.size_bytes();
      member.finish(entry.member);
    } else {
      entry.member.clear();
    }
    if (is_wanted || over) output.journal(std::move(entry));
  }

  static constexpr const char* kUnknown = "what the process has mapped is not known";
};

}  // namespace

std::shared_ptr<Task> waiting_fds_task(const Host& host, const std::vector<TableInode>& local, const Seen& walks) {
  return std::make_shared<WaitingFdsTask>(host, local, walks);
}

std::shared_ptr<Task> maps_task(const Host& host, const Seen& walks) {
  return std::make_shared<MapsTask>(host, walks);
}

}  // namespace ssnap::capture
