// Reads that never come back.
#include <atomic>
#include <latch>
#include <thread>

#include "capture/reader_pool.h"
#include "support/catch.h"
#include "unit/capture/fake_host.h"

using namespace ssnap;
using namespace ssnap::capture_test;

namespace {

struct Hangs {
  std::latch end{1};
  std::atomic<std::size_t> began = 0, ended = 0;
};

class HangingTask : public capture::Task {
 public:
  explicit HangingTask(std::shared_ptr<Hangs> hangs) : hangs_(std::move(hangs)) {}
  void run(std::size_t, capture::Output&) override {
    const auto hangs = hangs_;
    ++hangs->began;
    hangs->end.wait();
    ++hangs->ended;
  }
  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry;
    entry.source = "proc_pid";
    return entry;
  }
  bool may_hang(std::size_t) const override { return true; }

 private:
  std::shared_ptr<Hangs> hangs_;
};

}  // namespace

TEST_CASE("after so many reads that hang none is begun that may, and each is in the journal") {
  constexpr std::size_t kThreads = 64, kCap = 256, kTasks = kCap + kThreads + 10;  // docs/adr/0014
  const auto hangs = std::make_shared<Hangs>();
  std::vector<std::shared_ptr<capture::Task>> tasks;
  for (std::size_t i = 0; i < kTasks; ++i) tasks.push_back(std::make_shared<HangingTask>(hangs));
  Collected got;
  {
    capture::ReaderPool pool(kThreads, 1, 1);
    got = run(pool, std::move(tasks));
    CHECK(pool.abandoned_threads() == hangs->began);
  }
  // Those that were under way when the last of so many was given up are given up, too.
  CHECK(hangs->began >= kCap);
  CHECK(hangs->began < kCap + kThreads);
  REQUIRE(got.journal.size() == kTasks);
  std::size_t not_begun = 0;
  for (const auto& entry : got.journal) {
    CHECK(entry.outcome == base::OutcomeKind::timeout);
    not_begun += entry.detail == "not read: too many such reads have hung";
  }
  CHECK(not_begun == kTasks - hangs->began);
  hangs->end.count_down();
  while (hangs->ended < hangs->began) std::this_thread::yield();
}
