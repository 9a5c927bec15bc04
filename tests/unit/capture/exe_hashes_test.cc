// The executables of who holds sockets, on a host of directories.
#include "capture/exe_hashes.h"

#include "base/sha256.h"
#include "fake_host.h"

using namespace ssnap;
using namespace ssnap::capture_test;

namespace {

capture::Seen seen_of(std::initializer_list<int> pids) {
  capture::Seen seen;
  for (const int pid : pids) {
    seen.processes.push_back({pid, 0, 0, false, false});
    seen.tables.push_back({pid, 0, 1, 0, {}, false, true});
  }
  return seen;
}

struct Hashed : Collected {
  Hashed(const FakeHost& fake, const capture::Seen& walks, std::uint64_t max_bytes = capture::kMaxExeBytes) {
    const capture::Host host = fake.open();
    capture::ReaderPool pool(2, 1, kLong);
    const auto found = capture::make_exe_files();
    take(run(pool, {capture::exe_files_task(host, walks, found)}));
    take(run(pool, capture::exe_hash_tasks(host, *found, max_bytes)));
  }
  void take(Collected other) {
    members.merge(other.members);
    journal.insert(journal.end(), other.journal.begin(), other.journal.end());
  }
};

std::string exe(const FakeHost& fake, const char* name) { return (fake.root() / "bin" / name).string(); }

}  // namespace

TEST_CASE("each executable is hashed once, for all processes that run it and hold a socket") {
  FakeHost fake;
  fake.file("bin/server", "server's bytes");
  fake.file("bin/other", "");
  fake.link("proc/41/exe", exe(fake, "server"));
  fake.link("proc/42/exe", exe(fake, "server"));
  fake.link("proc/43/exe", exe(fake, "other"));
  fake.link("proc/44/exe", exe(fake, "other"));
  capture::Seen seen = seen_of({41, 42, 43});
  seen.processes.push_back({44, 0, 0, false, false});  // holds none
  const Hashed got(fake, seen);
  REQUIRE(got.members.size() == 2);
  const std::string& first = got.members.at("exe-hashes/1");
  CHECK(first.starts_with("file " + base::sha256_hex("server's bytes") + " 14 "));
  CHECK(first.ends_with(records({"", "process 41 0 " + exe(fake, "server"), "process 42 0 " + exe(fake, "server")})));
  const std::string& second = got.members.at("exe-hashes/2");
  CHECK(second.starts_with("file " + base::sha256_hex("") + " 0 "));
  CHECK(second.ends_with(records({"", "process 43 0 " + exe(fake, "other")})));
  REQUIRE(got.journal.size() == 2);
  for (const auto& entry : got.journal) {
    CHECK(entry.source == "exe_hashes");
    CHECK(entry.outcome == base::OutcomeKind::ok);
    CHECK(entry.bytes == got.members.at(entry.member).size());
  }
}

TEST_CASE("what holds a socket in a ring is hashed too, and a leader's living thread stands for it") {
  FakeHost fake;
  fake.file("bin/server", "x");
  fake.link("proc/50/task/52/exe", exe(fake, "server"));
  capture::Seen seen;
  seen.processes.push_back({50, 52, 0, false, false});
  seen.tables.push_back({50, 0, 1, 1, {4}, false});
  const Hashed got(fake, seen);
  REQUIRE(got.members.count("exe-hashes/1") == 1);
  CHECK(got.members.at("exe-hashes/1").ends_with(records({"", "process 50 0 " + exe(fake, "server")})));
}

TEST_CASE("an executable that is no regular file is not opened") {
  FakeHost fake;
  fake.fifo("bin/fifo");
  fake.link("proc/41/exe", exe(fake, "fifo"));
  fake.link("proc/42/exe", fake.root().string());
  const Hashed got(fake, seen_of({41, 42}));  // to open the FIFO for reading would wait for a writer
  CHECK(got.members.empty());
  REQUIRE(got.journal.size() == 2);
  for (const auto& entry : got.journal) CHECK(entry.outcome == base::OutcomeKind::skipped);
}

TEST_CASE("an executable beyond the limit is a gap that says so") {
  FakeHost fake;
  fake.file("bin/large", "0123456789");
  fake.file("bin/small", "012345678");
  fake.link("proc/41/exe", exe(fake, "large"));
  fake.link("proc/42/exe", exe(fake, "large"));
  fake.link("proc/43/exe", exe(fake, "small"));
  const Hashed got(fake, seen_of({41, 42, 43}), 9);
  CHECK(got.members.size() == 1);
  const auto* gap = got.entry("exe_hashes", base::OutcomeKind::cut);
  REQUIRE(gap);
  CHECK(gap->pid == 41);
  CHECK(gap->count == 2);
  CHECK(gap->detail.find("10 bytes, above the limit of 9") != std::string::npos);
}

TEST_CASE("a process that has ended, or has no executable, is no gap") {
  FakeHost fake;
  fake.file("proc/42/stat", "");
  const Hashed got(fake, seen_of({41, 42}));
  CHECK(got.members.empty());
  CHECK(got.journal.empty());
}

TEST_CASE("an executable that is another one by the time it is read has no hash") {
  FakeHost fake;
  fake.file("bin/server", "as it was");
  fake.link("proc/41/exe", exe(fake, "server"));
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const auto found = capture::make_exe_files();
  run(pool, {capture::exe_files_task(host, seen_of({41}), found)});
  fake.file("bin/server", "longer than it was");
  const Collected got = run(pool, capture::exe_hash_tasks(host, *found));
  CHECK(got.members.empty());
  CHECK(got.entry("exe_hashes", base::OutcomeKind::vanished));
}
