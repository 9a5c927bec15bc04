// The process walk on a host that the test makes: processes, threads, io_urings, and pids that are used again.
#include "capture/processes.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "capture/fd_tables.h"
#include "capture/sockprotonames.h"
#include "capture/threads.h"
#include "fake_host.h"

using namespace ssnap;
using namespace ssnap::capture_test;

namespace {

std::string stat_line(int pid, char state, int threads, int start_ticks, const std::string& flags = "0") {
  return std::to_string(pid) + " (demo) " + state + " 1 42 42 0 -1 " + flags + " 0 0 0 0 0 0 0 0 20 0 " +
         std::to_string(threads) + " 0 " + std::to_string(start_ticks) + " 0 0\n";
}

bool has(const std::string& list, const std::string& record) { return list.find(record + '\0') != std::string::npos; }

capture::KnownProcess known(const capture::Seen& seen, int pid) { return capture::known_processes(seen).at(pid); }

}  // namespace

TEST_CASE("a process is read whole: files, links and every fd, failures counted") {
  FakeHost fake;
  fake.file("proc/42/stat", "42 (demo) S 1 42 42 0 -1 0");
  fake.file("proc/42/status", "Name:\tdemo\n");
  fake.file("proc/42/cgroup", "0::/\n");
  fake.file("proc/42/cmdline", std::string("demo\0-x\0", 8));
  fake.link("proc/42/exe", "/usr/bin/demo");
  fake.link("proc/42/ns/net", "net:[4026531840]");
  fake.link("proc/42/fd/0", "/dev/null");
  fake.link("proc/42/fd/3", "socket:[1234]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  CHECK(got.members.at("proc/42/stat") == "42 (demo) S 1 42 42 0 -1 0");
  CHECK(got.members.at("proc/42/cmdline") == std::string("demo\0-x\0", 8));
  const std::string& fds = got.members.at("proc/42/fds");
  CHECK(fds.find(records({"3 - socket:[1234]"})) != std::string::npos);
  CHECK(fds.find(records({"0 0777 /dev/null"})) != std::string::npos);
  const std::string& links = got.members.at("proc/42/links");
  CHECK(links.find(records({"exe - /usr/bin/demo"})) != std::string::npos);
  CHECK(links.find(records({"cwd !2 "})) != std::string::npos);
  const auto* entry = got.entry("proc_pid_fd", base::OutcomeKind::ok);
  REQUIRE(entry);
  CHECK(entry->count == 2);
  CHECK(entry->pid == 42);
  CHECK(got.entry("proc_pid_link", base::OutcomeKind::vanished) == nullptr);
}

TEST_CASE("a process that is gone is one vanished entry, not one a file") {
  FakeHost fake;
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  CHECK(got.members.empty());
  REQUIRE(got.journal.size() == 1);
  CHECK(got.journal[0].outcome == base::OutcomeKind::vanished);
  CHECK(got.journal[0].errno_number == 2);
}


TEST_CASE("who logged in is read where the kernel has it, and not of kernel threads") {
  FakeHost fake;
  fake.file("proc/self/loginuid", "0");
  fake.file("proc/self/attr/current", "unconfined");
  fake.file("proc/42/stat", stat_line(42, 'S', 1, 7));
  fake.file("proc/2/stat", stat_line(2, 'S', 1, 7, "2097152"));
  for (const char* pid : {"42", "2"}) {
    fake.file(std::string("proc/") + pid + "/loginuid", "1000");
    fake.file(std::string("proc/") + pid + "/sessionid", "3");
    fake.file(std::string("proc/") + pid + "/attr/current", "demo_t");
  }
  const capture::Host host = fake.open();
  archive::JournalEntry entry;
  const auto files = capture::find_optional_files(host, entry);
  CHECK(entry.outcome == base::OutcomeKind::unsupported);
  CHECK(entry.detail == "not in this kernel: sessionid");
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, files, false), capture::process_task(host, {2}, files, false)});
  CHECK(got.members.at("proc/42/loginuid") == "1000");
  CHECK(got.members.at("proc/42/attr/current") == "demo_t");
  CHECK(got.members.count("proc/42/sessionid") == 0);
  CHECK(got.members.count("proc/2/loginuid") == 0);
  CHECK(got.members.count("proc/2/attr/current") == 0);
}

TEST_CASE("of threads, fd tables are read that are neither their leader's nor another's") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'S', 5, 7));
  for (const char* table : {"fd", "task/42/fd", "task/43/fd"}) fake.link(std::string("proc/42/") + table + "/3", "socket:[1]");
  for (const char* table : {"task/44/fd", "task/45/fd"}) fake.link(std::string("proc/42/") + table + "/3", "socket:[2]");
  fs::create_directories(fake.root() / "proc/42/task/46/fd");  // just ending
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  CHECK(got.members.at("proc/42/task/44/fds") == records({"3 - socket:[2]"}));
  for (const char* tid : {"42", "43", "45", "46"})
    CHECK(got.members.count("proc/42/task/" + std::string(tid) + "/fds") == 0);
  const auto held = std::find_if(got.seen.held.begin(), got.seen.held.end(), [](const auto& item) { return item.inode == 2; });
  REQUIRE(held != got.seen.held.end());
  CHECK(held->tid == 44);
  CHECK(got.seen.tables.size() == 2);
}

TEST_CASE("where no fd of a process may be read its threads are not asked, and nothing is asked again") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'S', 2, 7));
  fake.file("proc/42/fd/3", "no link");  // EINVAL
  fake.link("proc/42/task/43/fd/3", "socket:[1]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  CHECK(got.members.at("proc/42/fds") == records({"3 !22 "}));
  CHECK(got.members.count("proc/42/task/43/fds") == 0);
  CHECK(got.seen.tables.empty());
}

TEST_CASE("threads that can't be listed or compared are gaps") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'S', 2, 7));
  fake.file("proc/43/stat", stat_line(43, 'S', 3, 7));
  fs::create_directories(fake.root() / "proc/42/fd");
  fs::create_directories(fake.root() / "proc/43/fd");
  fs::create_directories(fake.root() / "proc/43/task/44");  // without a table: it ended
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  for (const int pid : {42, 43}) {
    const Collected got = run(pool, {capture::process_task(host, {pid}, {}, false)});
    const auto* entry = got.entry("proc_pid_task", base::OutcomeKind::vanished);
    REQUIRE(entry);
    CHECK(entry->pid == pid);
    CHECK(entry->count == 1);
  }
}

TEST_CASE("on the running host a thread's own table is told from a shared one") {
  const auto host = capture::open_host();
  REQUIRE(host.has_value());
  std::latch ready(2), done(1);
  long own = 0;
  bool unshared = false;
  std::thread with_own([&] {
    unshared = ::unshare(CLONE_FILES) == 0;
    own = ::syscall(SYS_gettid);
    ::close(0);
    ready.count_down();
    done.wait();
  });
  std::thread sharing([&] {
    ready.count_down();
    done.wait();
  });
  ready.wait();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(*host, {::getpid()}, {}, false)});
  done.count_down();
  with_own.join();
  sharing.join();
  REQUIRE(unshared);
  std::vector<std::string> tables;
  for (const auto& [name, bytes] : got.members)
    if (name.find("/task/") != std::string::npos) tables.push_back(name);
  CHECK(tables == std::vector{"proc/" + std::to_string(::getpid()) + "/task/" + std::to_string(own) + "/fds"});
}

TEST_CASE("a thread that lives stands for a leader that has exited") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'Z', 3, 7));
  fs::create_directories(fake.root() / "proc/42/fd");
  fake.file("proc/42/status", "State:\tZ\n");
  fake.file("proc/42/cgroup", "0::/\n");
  fake.file("proc/42/cmdline", "");
  fake.file("proc/42/task/43/stat", stat_line(43, 'Z', 3, 8));
  fs::create_directories(fake.root() / "proc/42/task/43/fd");
  for (const int tid : {44, 45}) {
    const std::string folder = "proc/42/task/" + std::to_string(tid) + "/";
    fake.file(folder + "stat", stat_line(tid, 'S', 3, 8));
    fake.file(folder + "status", "State:\tS\n");
    fake.file(folder + "cgroup", "0::/x\n");
    fake.file(folder + "cmdline", "demo");
    fake.link(folder + "exe", "/usr/bin/demo");
    fake.link(folder + "fd/3", "socket:[" + std::to_string(tid) + "]");
  }
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  CHECK(got.members.at("proc/42/fds").empty());
  CHECK(got.members.at("proc/42/task/44/stat") == stat_line(44, 'S', 3, 8));
  CHECK(got.members.at("proc/42/task/44/cmdline") == "demo");
  CHECK(got.members.at("proc/42/task/44/status") == "State:\tS\n");
  CHECK(got.members.at("proc/42/task/44/cgroup") == "0::/x\n");
  CHECK(has(got.members.at("proc/42/task/44/links"), "exe - /usr/bin/demo"));
  CHECK(got.members.at("proc/42/task/44/fds") == records({"3 - socket:[44]"}));
  CHECK(got.members.at("proc/42/task/45/fds") == records({"3 - socket:[45]"}));
  CHECK(got.members.count("proc/42/task/45/stat") == 0);
  CHECK(got.members.count("proc/42/task/43/fds") == 0);
  REQUIRE(got.seen.processes.size() == 1);
  CHECK(got.seen.processes[0].living_thread == 44);
}

TEST_CASE("the sockets that are registered in an io_uring are kept; a ring that stays busy is a gap") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'S', 1, 7));
  fake.link("proc/42/fd/5", "anon_inode:[io_uring]");
  fake.link("proc/42/fd/6", "anon_inode:[io_uring]");
  fake.link("proc/42/fd/7", "anon_inode:[eventfd]");
  fake.link("proc/42/fd/8", "anon_inode:[io_uring]");
  const std::string table = "pos:\t0\nUserFiles:\t2\n    1: socket:[4711]\n";
  fake.file("proc/42/fdinfo/5", table);
  fake.file("proc/42/fdinfo/6", "pos:\t0\n");
  fake.file("proc/42/fdinfo/7", "pos:\t0\n");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  CHECK(got.members.at("proc/42/fdinfo/5") == table);
  CHECK(got.members.at("proc/42/fdinfo/6") == "pos:\t0\n");
  CHECK(got.members.count("proc/42/fdinfo/7") == 0);
  CHECK(got.seen.registered == std::vector<std::uint32_t>{4711});
  const auto* busy = got.entry("proc_pid_fdinfo", base::OutcomeKind::cut);
  REQUIRE(busy);
  CHECK(busy->member == "proc/42/fdinfo/6");
  const auto* closed = got.entry("proc_pid_fdinfo", base::OutcomeKind::vanished);
  REQUIRE(closed);
  CHECK(closed->count == 1);
}

TEST_CASE("a second walk reads the fd tables that may have moved, and keeps those that did") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'S', 2, 7));
  fake.link("proc/42/fd/3", "socket:[1234]");
  fake.link("proc/42/fd/9", "anon_inode:[io_uring]");
  fake.file("proc/42/fdinfo/9", "UserFiles:\t0\n");
  fake.link("proc/42/task/43/fd/3", "socket:[1]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected first = run(pool, {capture::process_task(host, {42}, {}, false)});
  const capture::KnownProcess before = known(first.seen, 42);
  REQUIRE(before.tables.size() == 2);
  const auto again = [&](bool whole) { return run(pool, {capture::second_look_task(host, before, 2, whole, {})}); };
  CHECK(again(true).members.empty());  // nothing moved
  CHECK(again(true).seen.held.empty());
  fake.link("proc/42/fd/4", "socket:[1235]");
  fake.link("proc/42/task/43/fd/4", "socket:[2]");
  fake.link("proc/42/task/43/fd/8", "anon_inode:[io_uring]");
  fake.file("proc/42/task/43/fdinfo/8", "UserFiles:\t0\n");
  fake.link("proc/42/task/44/fd/3", "socket:[5]");
  const Collected sized = again(false), moved = again(true);
  CHECK(has(sized.members.at("proc/42/pass2/fds"), "4 - socket:[1235]"));
  CHECK(has(sized.members.at("proc/42/task/43/pass2/fds"), "4 - socket:[2]"));
  CHECK(sized.members.count("proc/42/task/43/fdinfo/8") == 1);
  CHECK(sized.members.count("proc/42/fdinfo/9") == 0);  // kept once
  CHECK(sized.members.count("proc/42/task/44/pass2/fds") == 0);
  CHECK(has(moved.members.at("proc/42/task/44/pass2/fds"), "3 - socket:[5]"));
}

TEST_CASE("a pid that was used again is two processes, each with its own fds") {
  FakeHost fake;
  fake.file("proc/42/stat", stat_line(42, 'S', 1, 7));
  fake.link("proc/42/fd/3", "socket:[1234]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  Collected first = run(pool, {capture::process_task(host, {42}, {}, false)});
  fake.file("proc/42/stat", stat_line(42, 'S', 1, 8));
  fs::remove(fake.root() / "proc/42/fd/3");
  fake.link("proc/42/fd/3", "socket:[99]");
  Collected second = run(pool, {capture::second_look_task(host, known(first.seen, 42), 2, false, {})});
  CHECK(second.members.count("proc/42/pass2/fds") == 0);
  CHECK(second.members.at("proc/42/reused/stat") == stat_line(42, 'S', 1, 8));
  CHECK(second.members.at("proc/42/reused/fds") == records({"3 - socket:[99]"}));
  CHECK(second.members.count("proc/42/reused/links") == 1);
  first.seen.append(std::move(second.seen));
  const capture::KnownProcess now = known(first.seen, 42);
  CHECK(now.process.reused);
  CHECK(now.process.start_ticks == 8);
  REQUIRE(now.tables.size() == 1);
  // A third is not read: its members would have the same names.
  fake.file("proc/42/stat", stat_line(42, 'S', 1, 9));
  CHECK(run(pool, {capture::second_look_task(host, now, 3, true, {}, false)}).members.empty());
}

TEST_CASE("what ended before the second walk is no gap: it holds nothing any more") {
  FakeHost fake;
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  capture::KnownProcess before;
  before.process.pid = 42;
  before.process.start_ticks = 7;
  const Collected got = run(pool, {capture::second_look_task(host, before, 2, true, {})});
  CHECK(got.members.empty());
  CHECK(got.journal.empty());
}

TEST_CASE("sockets that no dump showed are named by their protocol, or said to be gone") {
  FakeHost fake;
  fake.link("proc/42/fd/3", "socket:[1234]");
  fake.link("proc/42/task/43/fd/5", "socket:[1236]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::sockprotoname_task(host, {{1234, 42, 3}, {1235, 42, 4}, {1236, 42, 5, 43}}, 3)});
  CHECK(got.members.at("sockprotonames/pass3") == records({"1234 42 3 held ", "1235 42 4 gone ", "1236 42 5 held "}));
  // No sockets are behind the links of this host.
  const auto* unnamed = got.entry("sockprotoname", base::OutcomeKind::vanished);
  REQUIRE(unnamed);
  CHECK(unnamed->count == 2);
}
