#include "capture/reader_pool.h"

#include <algorithm>
#include <chrono>
#include <csignal>
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

}  // namespace

ReaderPool::ReaderPool(int threads, int level, std::uint64_t deadline_nsec)
    : shared_(std::make_shared<Shared>()), level_(level), deadline_nsec_(deadline_nsec) {
  for (int i = 0; i < threads; ++i) start_worker();
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

void ReaderPool::start_worker() {
  auto worker = std::make_shared<Worker>(level_);
  worker->shared = shared_;
  workers_.push_back(worker);
  // Signals are for the calling thread alone: a reader must not be interrupted in the middle of a file.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  worker->thread = std::thread([this_worker = worker] {
    Shared& shared = *this_worker->shared;
    for (;;) {
      {
        std::unique_lock lock(shared.mutex);
        shared.work_ready.wait(lock, [&] { return !shared.jobs.empty() || shared.quit; });
        if (shared.quit || this_worker->retired) return;
        this_worker->job = std::move(shared.jobs.front());
        shared.jobs.pop_front();
        ++shared.running;
      }
      const std::shared_ptr<Task> task = this_worker->job.task;
      for (std::size_t step = this_worker->job.first_step; step < task->step_count(); ++step) {
        {
          const std::lock_guard lock(shared.mutex);
          if (this_worker->retired || shared.quit) return;
          this_worker->step = step;
          this_worker->busy = true;
          this_worker->output.beat();
        }
        task->run(step, this_worker->output);
        Batch full;
        {
          const std::lock_guard lock(shared.mutex);
          if (this_worker->retired) return;
          this_worker->busy = false;
          const std::lock_guard output_lock(this_worker->output.mutex_);
          if (this_worker->output.batch_.bytes >= kBatchBytes) full = std::exchange(this_worker->output.batch_, {});
        }
        deliver(shared, std::move(full));
      }
      Batch last;
      {
        const std::lock_guard output_lock(this_worker->output.mutex_);
        last = std::exchange(this_worker->output.batch_, {});
      }
      last.tasks_done = 1;
      deliver(shared, std::move(last));
      const std::lock_guard lock(shared.mutex);
      --shared.running;
      ++shared.finished;
      shared.queue_moved.notify_all();
    }
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// With shared_->mutex held: gives up every worker whose step is past its deadline.
void ReaderPool::collect_overdue() {
  const std::uint64_t now = boottime_nsec();
  std::size_t retired = 0;
  for (const auto& worker : workers_) {
    if (!worker->busy) continue;
    const std::lock_guard output_lock(worker->output.mutex_);
    if (now - worker->output.last_beat_nsec_ < deadline_nsec_) continue;
    worker->output.abandoned_ = true;
    worker->retired = true;
    worker->thread.detach();
    archive::JournalEntry entry = worker->job.task->about(worker->step);
    entry.outcome = base::OutcomeKind::timeout;
    entry.begin_nsec = worker->output.last_beat_nsec_;
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
  abandoned_threads_ += retired;
  for (; retired > 0; --retired) start_worker();
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
