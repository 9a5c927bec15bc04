#include "capture/reader_pool.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "capture/clock.h"

namespace ssnap::capture {
namespace {

// Readers wait when the writer is this far behind: the bound of the memory between them.
constexpr std::size_t kMaxQueuedBytes = 8 * 1024 * 1024;
// A task that has gathered this much hands it on before it is done.
constexpr std::size_t kBatchBytes = 256 * 1024;
// How often the caller looks for signals, progress and overdue readers.
constexpr auto kTick = std::chrono::milliseconds(100);
// A reader that doesn't answer an end of the capture is given up after this: a second signal must not be needed.
constexpr std::uint64_t kStopGraceNsec = 1'000'000'000;
// Whoever makes one read hang can make a thousand hang. After so many the others get a tenth of the deadline, and a second
// at least: a capture then waits for all of them together some minutes, not hours.
constexpr std::size_t kPatientHangs = 8;
constexpr std::uint64_t kImpatience = 10, kMinDeadlineNsec = 1'000'000'000;
// And how often it must have been found silent: the clock also runs while the host sleeps or gives the collector no time.
constexpr int kMinSilentTicks = 10;
// Threads that are left behind, each with a stack and a file descriptor. After that no step is begun that may hang.
constexpr std::size_t kMaxAbandoned = 256;
// How long a capture goes on trying where not a single thread can be started.
constexpr std::uint64_t kMaxUnstaffedNsec = 10'000'000'000;

struct Job {
  std::shared_ptr<Task> task;
  std::size_t first_step = 0;
};

}  // namespace

// Everything the threads touch. Held by each of them, so that a thread that hangs can outlive the pool.
struct ReaderPool::Shared {
  std::mutex mutex;
  std::condition_variable work_ready;   // a job, or the end
  std::condition_variable queue_moved;  // a batch came or went, a job ended
  std::deque<Job> jobs;
  std::deque<Batch> batches;
  std::size_t queued_bytes = 0;
  std::size_t running = 0;
  std::size_t finished = 0;
  std::size_t abandoned = 0;
  bool quit = false;  // end the threads
};

struct ReaderPool::Worker {
  explicit Worker(int level) : output(level) {}
  Output output;
  std::shared_ptr<Shared> shared;
  std::thread thread;
  // Guarded by shared->mutex.
  Job job;
  std::size_t step = 0;
  bool busy = false;     // inside a step
  bool retired = false;  // given up
  std::uint64_t beat_nsec = 0;  // the last one when it was looked at
  int silent_ticks = 0;         // looks since then

  void work();
  bool take_job();
  bool run_step(Task& task, std::size_t at);
};

namespace {

// Hands on what the worker's output has gathered; waits while the queue is full.
template <class Shared>
void deliver(Shared& shared, Batch batch) {
  if (batch.empty()) return;
  std::unique_lock lock(shared.mutex);
  shared.queue_moved.wait(lock, [&] { return shared.queued_bytes < kMaxQueuedBytes || shared.quit; });
  shared.queued_bytes += batch.bytes;
  shared.batches.push_back(std::move(batch));
  shared.queue_moved.notify_all();
}

archive::JournalEntry unread(const Task& task, std::size_t step, const char* why) {
  archive::JournalEntry entry = task.about(step);
  entry.member.clear();
  entry.begin_nsec = entry.end_nsec = boottime_nsec();
  entry.outcome = base::OutcomeKind::timeout;
  entry.detail = why;
  return entry;
}

}  // namespace

// What the thread does. It ends where the pool does, or where it was given up.
void ReaderPool::Worker::work() {
  while (take_job()) {
    const std::shared_ptr<Task> task = job.task;
    for (std::size_t at = job.first_step; at < task->step_count(); ++at)
      if (!run_step(*task, at)) return;
    Batch last;
    {
      const std::lock_guard output_lock(output.mutex_);
      last = std::exchange(output.batch_, {});
    }
    last.tasks_done = 1;
    deliver(*shared, std::move(last));
    const std::lock_guard lock(shared->mutex);
    --shared->running;
    ++shared->finished;
    shared->queue_moved.notify_all();
  }
}

bool ReaderPool::Worker::take_job() {
  std::unique_lock lock(shared->mutex);
  shared->work_ready.wait(lock, [&] { return !shared->jobs.empty() || shared->quit; });
  if (shared->quit || retired) return false;
  job = std::move(shared->jobs.front());
  shared->jobs.pop_front();
  ++shared->running;
  return true;
}

bool ReaderPool::Worker::run_step(Task& task, std::size_t at) {
  bool is_left_out = false;
  {
    const std::lock_guard lock(shared->mutex);
    if (retired || shared->quit) return false;
    is_left_out = shared->abandoned >= kMaxAbandoned && task.may_hang(at);
    step = at;
    busy = true;
    output.beat();
  }
  if (is_left_out) output.journal(unread(task, at, "not read: too many such reads have hung"));
  else task.run(at, output);
  Batch full;
  {
    const std::lock_guard lock(shared->mutex);
    if (retired) return false;
    busy = false;
    const std::lock_guard output_lock(output.mutex_);
    if (output.batch_.bytes >= kBatchBytes) full = std::exchange(output.batch_, {});
  }
  deliver(*shared, std::move(full));
  return true;
}

ReaderPool::ReaderPool(int threads, int level, std::uint64_t deadline_nsec)
    : shared_(std::make_shared<Shared>()), threads_(static_cast<std::size_t>(threads)), level_(level), deadline_nsec_(deadline_nsec) {
  start_workers();
}

ReaderPool::~ReaderPool() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->quit = true;
    shared_->work_ready.notify_all();
    shared_->queue_moved.notify_all();
  }
  for (const auto& worker : workers_) worker->thread.join();
}

std::size_t ReaderPool::abandoned_threads() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->abandoned;
}

std::uint64_t ReaderPool::deadline_now_nsec() const {
  if (shared_->abandoned < kPatientHangs) return deadline_nsec_;
  return std::min(deadline_nsec_, std::max(deadline_nsec_ / kImpatience, kMinDeadlineNsec));
}

void ReaderPool::start_workers() {
  while (workers_.size() < threads_ && start_worker()) {
  }
  if (!workers_.empty()) unstaffed_since_nsec_ = 0;
  else if (unstaffed_since_nsec_ == 0) unstaffed_since_nsec_ = boottime_nsec();
}

bool ReaderPool::start_worker() {
  auto worker = std::make_shared<Worker>(level_);
  worker->shared = shared_;
  // Signals are for the calling thread alone: a reader must not be interrupted in the middle of a file.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    worker->thread = std::thread([worker] { worker->work(); });
  } catch (const std::system_error&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (started) workers_.push_back(std::move(worker));
  return started;
}

// With shared_->mutex held: what nobody is left to read is a gap.
void ReaderPool::give_up_unstaffed() {
  start_workers();
  if (unstaffed_since_nsec_ == 0 || boottime_nsec() - unstaffed_since_nsec_ < kMaxUnstaffedNsec) return;
  Batch none;
  for (const Job& job : shared_->jobs) {
    if (job.first_step < job.task->step_count())
      none.journal.push_back(unread(*job.task, job.first_step, "no thread could be started to read it"));
    ++none.tasks_done;
  }
  shared_->jobs.clear();
  if (!none.empty()) shared_->batches.push_back(std::move(none));
}

// With shared_->mutex held: gives up every worker whose step is past its deadline.
void ReaderPool::collect_overdue() {
  const std::uint64_t now = boottime_nsec(), deadline_nsec = deadline_now_nsec();
  std::size_t retired = 0;
  for (const auto& worker : workers_) {
    if (!worker->busy) continue;
    const std::lock_guard output_lock(worker->output.mutex_);
    const std::uint64_t beat_nsec = worker->output.last_beat_nsec_;
    worker->silent_ticks = std::exchange(worker->beat_nsec, beat_nsec) == beat_nsec ? worker->silent_ticks + 1 : 0;
    if (now - beat_nsec < deadline_nsec || worker->silent_ticks < kMinSilentTicks) continue;
    worker->output.abandoned_ = true;
    worker->retired = true;
    worker->thread.detach();
    archive::JournalEntry entry = worker->job.task->about(worker->step);
    entry.outcome = base::OutcomeKind::timeout;
    entry.begin_nsec = beat_nsec;
    entry.end_nsec = now;
    Batch rest = std::exchange(worker->output.batch_, {});
    rest.journal.push_back(std::move(entry));
    shared_->queued_bytes += rest.bytes;
    shared_->batches.push_back(std::move(rest));
    if (!stopping_) shared_->jobs.push_front({worker->job.task, worker->step + 1});
    --shared_->running;
    ++retired;
  }
  if (retired == 0) return;
  std::erase_if(workers_, [](const auto& worker) { return worker->retired; });
  shared_->abandoned += retired;
  shared_->work_ready.notify_all();
}

std::size_t ReaderPool::run(std::vector<std::shared_ptr<Task>> tasks, const std::function<bool(Batch)>& consume) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->finished = 0;
    for (auto& task : tasks) shared_->jobs.push_back({std::move(task), 0});
    shared_->work_ready.notify_all();
  }
  std::unique_lock lock(shared_->mutex);
  for (;;) {
    shared_->queue_moved.wait_for(lock, kTick, [&] {
      return !shared_->batches.empty() || (shared_->jobs.empty() && shared_->running == 0);
    });
    if (shared_->batches.empty() && shared_->jobs.empty() && shared_->running == 0) return shared_->finished;
    Batch batch;
    if (!shared_->batches.empty()) {
      batch = std::move(shared_->batches.front());
      shared_->batches.pop_front();
      shared_->queued_bytes -= batch.bytes;
      shared_->queue_moved.notify_all();
    } else {
      collect_overdue();
      if (!shared_->jobs.empty()) give_up_unstaffed();
    }
    lock.unlock();
    const bool go_on = consume(std::move(batch));
    lock.lock();
    if (!go_on && !stopping_) {
      stopping_ = true;
      shared_->jobs.clear();
      deadline_nsec_ = std::min(deadline_nsec_, kStopGraceNsec);
      for (const auto& worker : workers_) {
        const std::lock_guard output_lock(worker->output.mutex_);
        worker->output.stopping_ = true;
      }
    }
  }
}

}  // namespace ssnap::capture
