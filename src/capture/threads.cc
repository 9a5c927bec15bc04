#include "capture/threads.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/fd_tables.h"
#include "capture/proc_fs.h"
#include "decode/proc_pid.h"

namespace ssnap::capture {
namespace {

constexpr int kCompareFiles = 2;  // KCMP_FILES (include/uapi/linux/kcmp.h)
// Links that are read to compare tables where kcmp can't: some seconds' worth, of one process.
constexpr std::uint64_t kMaxComparedLinks = 1'000'000;
constexpr std::size_t kMaxStatBytes = 4096;
constexpr std::size_t kBeatThreads = 64;

int list_threads(int directory, std::int64_t pid, std::vector<std::int64_t>& tids, Output& output) {
  const base::Fd tasks(::openat(directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tasks) return errno;
  std::vector<DirEntry> entries;
  const int error = list_directory(tasks.get(), entries, [&] { return output.beat(); });
  for (const DirEntry& entry : entries)
    if (const auto tid = base::parse_integer<std::int64_t>(entry.name); tid && *tid != pid) tids.push_back(*tid);
  std::sort(tids.begin(), tids.end());
  return error;
}

struct Comparison {
  long order = 0;  // 0 the same table, 1 the first is below, 2 above: some order, the same each time (kernel/kcmp.c)
  int error = 0;
};

Comparison compare_tables(std::int64_t a, std::int64_t b) {
  const long order = ::syscall(SYS_kcmp, static_cast<pid_t>(a), static_cast<pid_t>(b), kCompareFiles, 0, 0);
  return {order, order < 0 ? errno : 0};
}

// What is left of the look at one process's threads.
struct Comparing {
  std::vector<std::int64_t> found;
  std::map<int, std::uint64_t> failures;  // threads that could not be compared, by errno
  std::uint64_t left_out = 0;
};

// False: kcmp is of no use here.
bool compare_by_kcmp(std::int64_t leader, const std::vector<std::int64_t>& tids, Comparing& comparing, Output& output) {
  std::vector<std::int64_t> ordered;  // `found`, by the order of their tables
  std::size_t done = 0;
  for (const std::int64_t tid : tids) {
    if (++done % kBeatThreads == 0 && !output.beat()) {
      comparing.left_out = tids.size() - done + 1;
      break;
    }
    const Comparison with_leader = compare_tables(leader, tid);
    if (with_leader.error == ESRCH) {
      ++comparing.failures[ESRCH];
      continue;
    }
    if (with_leader.error != 0) return false;
    if (with_leader.order == 0) continue;
    bool same = false;
    const auto at = std::partition_point(ordered.begin(), ordered.end(), [&](std::int64_t other) {
      const Comparison with_other = compare_tables(other, tid);
      same |= with_other.error == 0 && with_other.order == 0;
      return with_other.error == 0 && with_other.order == 1;
    });
    if (same) continue;
    ordered.insert(at, tid);
    comparing.found.push_back(tid);
  }
  return true;
}

void compare_by_content(int directory, const Whose& leader, const std::vector<std::int64_t>& tids, Comparing& comparing,
                        Output& output) {
  std::uint64_t links = 0;
  const auto content = [&](int of) {
    Seen dropped;
    const FdList list = read_fd_table(of, leader, output, dropped, nullptr);
    links += list.entries;
    return list;
  };
  std::uint64_t leaders = content(directory).hash;
  std::set<std::uint64_t> others;
  for (std::size_t i = 0; i < tids.size(); ++i) {
    if (links > kMaxComparedLinks || !output.beat()) {
      comparing.left_out = tids.size() - i;
      break;
    }
    const base::Fd thread = open_thread(directory, tids[i]);
    const FdList list = thread ? content(thread.get()) : FdList{};
    if (const int error = thread ? list.not_opened : errno) {
      ++comparing.failures[error];
      continue;
    }
    if (list.hash == leaders || others.count(list.hash) > 0) continue;
    leaders = content(directory).hash;  // it may have moved
    if (list.hash == leaders) continue;
    others.insert(list.hash);
    comparing.found.push_back(tids[i]);
  }
}

}  // namespace

base::Fd open_thread(int directory, std::int64_t tid) {
  const std::string path = "task/" + std::to_string(tid);
  return base::Fd(::openat(directory, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::optional<std::int64_t> find_living_thread(int directory, std::int64_t pid, Output& output) {
  std::vector<std::int64_t> tids;
  list_threads(directory, pid, tids, output);
  for (const std::int64_t tid : tids) {
    std::string text;
    const std::string path = "task/" + std::to_string(tid) + "/stat";
    if (!output.beat()) return std::nullopt;
    if (read_small_file(directory, path.c_str(), kMaxStatBytes, text) != 0) continue;
    const auto stat = decode::decode_proc_pid_stat(text);
    if (stat.has_value() && stat->state != 'Z' && stat->state != 'X') return tid;
  }
  return std::nullopt;
}

std::vector<std::int64_t> threads_with_tables(const Host& host, int directory, const Whose& leader, Output& output) {
  archive::JournalEntry entry = entry_about(leader, "proc_pid_task", "");
  entry.member.clear();
  entry.begin_nsec = boottime_nsec();
  std::vector<std::int64_t> tids;
  const int error = list_threads(directory, leader.pid, tids, output);
  if (error != 0) journal_failure(entry, error, "the threads can't be listed", output);
  Comparing comparing;
  if (!host.own_numbers || !compare_by_kcmp(leader.pid, tids, comparing, output)) {
    comparing = {};
    compare_by_content(directory, leader, tids, comparing, output);
  }
  entry.end_nsec = boottime_nsec();
  journal_failures(entry, comparing.failures, "threads whose fd table could not be compared", output);
  if (comparing.left_out > 0) {
    entry.outcome = base::OutcomeKind::cut;
    entry.count = comparing.left_out;
    entry.detail = "threads whose fd table was not compared";
    output.journal(std::move(entry));
  }
  return comparing.found;
}

}  // namespace ssnap::capture
