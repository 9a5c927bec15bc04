// Threads that read the host, each read with a deadline: one that hangs in the kernel (mmap_lock held, a FUSE file
// behind a command line) is given up with its thread, recorded, and the rest goes on in a new thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "capture/output.h"

namespace ssnap::capture {

// A row of reads about one thing (a process, a file, a table), done in order. Shared with a thread that may hang:
// a step must not touch what later steps write.
class Task {
 public:
  virtual ~Task() = default;
  virtual std::size_t step_count() const { return 1; }
  virtual void run(std::size_t step, Output& output) = 0;
  // What the journal says where this step didn't come back: source, member, pid.
  virtual archive::JournalEntry about(std::size_t step) const = 0;
  // The step takes a lock that the process examined can keep for good. Of such steps only so many are given up.
  virtual bool may_hang(std::size_t) const { return false; }
};

class ReaderPool {
 public:
  // `deadline_nsec`: how long a step may go without a beat; less after many have hung (docs/adr/0014). `level`: zstd's, for
  // large members. A thread that can't be started (a limit of processes) is tried again; with fewer it goes slower.
  ReaderPool(int threads, int level, std::uint64_t deadline_nsec);
  ~ReaderPool();

  // Runs all tasks and hands every batch to `consume` on the calling thread, which must be the same each time.
  // `consume` is also called with an empty batch a few times a second; it returns false to stop for good:
  // tasks not begun are then dropped and readers end early. Returns how many tasks were finished.
  std::size_t run(std::vector<std::shared_ptr<Task>> tasks, const std::function<bool(Batch)>& consume);

  std::size_t abandoned_threads() const;

 private:
  struct Shared;
  struct Worker;
  void start_workers();
  bool start_worker();
  void collect_overdue();
  void give_up_unstaffed();
  std::uint64_t deadline_now_nsec() const;

  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Worker>> workers_;
  std::size_t threads_;
  int level_;
  std::uint64_t deadline_nsec_;
  std::uint64_t unstaffed_since_nsec_ = 0;  // 0: there is a thread
  bool stopping_ = false;
};

}  // namespace ssnap::capture
