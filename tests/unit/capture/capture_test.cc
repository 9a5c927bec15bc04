// The collector on hosts that the test makes: directories in place of / and /proc, and readers that hang.
#include "capture/capture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <semaphore>

#include "archive/journal.h"
#include "archive/reader.h"
#include "capture/diag_handlers.h"
#include "capture/processes.h"
#include "capture/cgroup_ids.h"
#include "capture/netns.h"
#include "capture/proc_net.h"
#include "capture/reader_pool.h"
#include "fake_host.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::capture_test;

TEST_CASE("/proc is listed by number, other names passed over") {
  FakeHost fake;
  for (const char* name : {"10", "9", "self", "net", "1000", "0", "12x"}) fs::create_directories(fake.root() / "proc" / name);
  const capture::Host host = fake.open();
  archive::JournalEntry entry;
  CHECK(capture::list_processes(host, entry) == std::vector<std::int64_t>{9, 10, 1000});
  CHECK(entry.count == 3);
}

namespace {

std::shared_ptr<const capture::NetnsAccess> namespace_of(const capture::Host& host, std::uint64_t inode) {
  capture::Netns netns;
  netns.inode = inode;
  netns.own = true;
  netns.handles.push_back({capture::NetnsHandle::Kind::own, 0, 0, 0, ""});
  return std::make_shared<capture::NetnsAccess>(host, netns);
}

}  // namespace

TEST_CASE("/proc/net is read recursively, except what changes the host by being opened") {
  FakeHost fake;
  fake.link("proc/thread-self", "self");
  fake.link("proc/self/ns/net", "net:[7]");
  fake.file("proc/self/net/tcp", "table");
  fake.file("proc/self/net/dev_snmp6/we ird", "counters");
  fake.file("proc/self/net/rpc/auth.unix.ip/channel", "must not be opened");
  fake.file("proc/self/net/rpc/auth.unix.ip/content", "#");
  fake.file("proc/self/net/channel", "not rpc's");
  fake.file("proc/sys/net/core/somaxconn", "4096\n");
  const capture::Host host = fake.open();
  for (const bool one_task : {true, false}) {
    std::vector<archive::JournalEntry> found;
    std::vector<std::shared_ptr<capture::Task>> tasks;
    if (one_task) tasks.push_back(capture::proc_net_task(namespace_of(host, 7)));
    else tasks = capture::proc_net_file_tasks(namespace_of(host, 7), found);
    capture::ReaderPool pool(1, 1, kLong);
    const Collected got = run(pool, std::move(tasks));
    CHECK(got.members.size() == 5);
    CHECK(got.members.at("netns/7/proc/net/tcp") == "table");
    CHECK(got.members.at("netns/7/proc/net/dev_snmp6/we%20ird") == "counters");
    CHECK(got.members.count("netns/7/proc/net/rpc/auth.unix.ip/content") == 1);
    CHECK(got.members.count("netns/7/proc/net/channel") == 1);
    CHECK(got.members.at("netns/7/proc/sys/net/core/somaxconn") == "4096\n");
    const auto* skipped = got.entry("proc_net", base::OutcomeKind::skipped);
    if (!one_task) {
      REQUIRE(found.size() == 1);
      skipped = &found[0];
    }
    REQUIRE(skipped);
    CHECK(skipped->outcome == base::OutcomeKind::skipped);
    CHECK(skipped->detail.find("rpc/auth.unix.ip/channel") != std::string::npos);
  }
}

TEST_CASE("a namespace that nothing leads to any more is a gap, said once") {
  FakeHost fake;
  fake.link("proc/thread-self", "self");
  fake.link("proc/self/ns/net", "net:[7]");
  const capture::Host host = fake.open();
  capture::Netns netns;
  netns.inode = 8;
  netns.handles.push_back({capture::NetnsHandle::Kind::process, 42, 0, 0, ""});
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::proc_net_task(std::make_shared<capture::NetnsAccess>(host, netns))});
  REQUIRE(got.journal.size() == 1);
  CHECK(got.journal[0].outcome == base::OutcomeKind::vanished);
  CHECK(got.journal[0].netns == 8);
}

TEST_CASE("what took the place of a mounted namespace is not taken for it") {
  FakeHost fake;
  fake.link("proc/thread-self", "self");
  fake.link("proc/self/ns/net", "net:[7]");
  fake.file("proc/42/root/run/netns/blue", "");
  struct stat status {};
  REQUIRE(::stat((fake.root() / "proc/42/root/run/netns/blue").c_str(), &status) == 0);
  const capture::Host host = fake.open();
  capture::Netns netns;
  netns.inode = status.st_ino;  // even where the number is right: it is no nsfs
  netns.handles.push_back({capture::NetnsHandle::Kind::mount, 42, 0, 0, "/run/netns/blue"});
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::proc_net_task(std::make_shared<capture::NetnsAccess>(host, netns))});
  REQUIRE(got.journal.size() == 1);
  CHECK(got.journal[0].outcome == base::OutcomeKind::vanished);
}

TEST_CASE("namespaces are found by processes, threads and mounts") {
  FakeHost fake;
  fake.link("proc/9/ns/net", "net:[7]");
  fake.link("proc/9/ns/mnt", "mnt:[100]");
  fake.file("proc/9/mountinfo", "30 1 0:4 net:[4026532000] /run/netns/my\\040blue rw - nsfs nsfs rw\n");
  fs::create_directories(fake.root() / "proc/9/task/9");
  fake.link("proc/10/ns/net", "net:[8]");
  fake.link("proc/10/ns/mnt", "mnt:[100]");
  fake.link("proc/10/task/10/ns/net", "net:[8]");
  fake.link("proc/10/task/11/ns/net", "net:[12]");
  const capture::Host host = fake.open();
  archive::JournalEntry entry;
  auto scan = capture::scan_namespaces(host, {9, 10}, 7, entry);
  CHECK(entry.count == 4);
  REQUIRE(scan.found.count(4026532000) == 1);
  CHECK(scan.found[4026532000].handles.at(0).path == "/run/netns/my blue");
  CHECK(scan.found[7].own);
  CHECK_FALSE(scan.found[8].own);
  CHECK(scan.found[12].handles.at(0).tid == 11);
  CHECK(scan.mountinfo_pids == std::vector<std::int64_t>{9});
  CHECK(capture::add_namespace_fds(scan, {{13, 10, 3}}));
  CHECK_FALSE(capture::add_namespace_fds(scan, {{13, 10, 4}}));
}

TEST_CASE("a namespace that is mounted below a file system that need not answer is not entered by that path") {
  FakeHost fake;
  fake.link("proc/thread-self", "self");
  fake.link("proc/self/ns/net", "net:[7]");
  fake.link("proc/9/ns/net", "net:[7]");
  fake.link("proc/9/ns/mnt", "mnt:[100]");
  for (const char* type : {"fuse.sshfs", "fuse", "nfs4", "autofs"}) {
    fake.file("proc/9/mountinfo", std::string("20 1 0:1 / / rw - fuse.root r rw\n"
                                              "21 20 0:2 / /far rw - ") + type + " f rw\n"
                                              "22 21 0:3 / /far/tmp rw - tmpfs t rw\n"
                                              "30 22 0:4 net:[8] /far/tmp/blue rw - nsfs nsfs rw\n"
                                              "31 20 0:4 net:[9] /run/netns/red rw - nsfs nsfs rw\n");
    const capture::Host host = fake.open();
    archive::JournalEntry entry;
    auto scan = capture::scan_namespaces(host, {9}, 7, entry);
    CHECK(scan.found.at(8).handles.empty());
    CHECK(scan.found.at(9).handles.size() == 1);  // the root may be one: nothing goes without it
    capture::ReaderPool pool(1, 1, kLong);
    const Collected got = run(pool, {capture::proc_net_task(std::make_shared<capture::NetnsAccess>(host, scan.found.at(8)))});
    REQUIRE(got.journal.size() == 1);
    CHECK(got.journal[0].outcome == base::OutcomeKind::cut);
    CHECK(got.journal[0].errno_number == EREMOTE);
  }
}

TEST_CASE("an fd table is kept whole, and each of its sockets remembered once") {
  FakeHost fake;
  fake.file("proc/42/stat", "42 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n");
  for (int fd = 0; fd < 3000; ++fd) fake.link("proc/42/fd/" + std::to_string(fd), fd % 3 == 0 ? "socket:[5]" : "socket:[6]");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::process_task(host, {42}, {}, false)});
  const std::string& fds = got.members.at("proc/42/fds");
  CHECK(std::count(fds.begin(), fds.end(), '\0') == 3000);
  CHECK(got.entry("proc_pid_fd", base::OutcomeKind::ok)->count == 3000);
  REQUIRE(got.seen.held.size() == 2);
  CHECK((got.seen.held[0].inode == 5 && got.seen.held[0].fd == 0));
  CHECK((got.seen.held[1].inode == 6 && got.seen.held[1].fd == 1));
}

TEST_CASE("cgroup ids are the inodes of the directories") {
  FakeHost fake;
  fs::create_directories(fake.root() / "sys/fs/cgroup/a.slice/b.service");
  fake.file("proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::cgroup_ids_task(host)});
  struct stat status {};
  REQUIRE(::stat((fake.root() / "sys/fs/cgroup/a.slice/b.service").c_str(), &status) == 0);
  CHECK(got.members.at("cgroup2-ids").find(std::to_string(status.st_ino) + " /a.slice/b.service" + '\0') !=
        std::string::npos);
}

TEST_CASE("a large file travels compressed, a small one as it is") {
  FakeHost fake;
  fake.link("proc/thread-self", "self");
  fake.link("proc/self/ns/net", "net:[7]");
  fake.file("proc/self/net/tcp", std::string(capture::kSmallMemberBytes + 1, 'x'));
  fake.file("proc/self/net/udp", std::string(capture::kSmallMemberBytes, 'y'));
  const capture::Host host = fake.open();
  capture::ReaderPool pool(2, 1, kLong);
  std::map<std::string, std::uint64_t> large;
  pool.run({capture::proc_net_task(namespace_of(host, 7))}, [&](capture::Batch batch) {
    for (auto& member : batch.large) large[member.name] = member.size_bytes;
    return true;
  });
  CHECK(large == std::map<std::string, std::uint64_t>{{"netns/7/proc/net/tcp", capture::kSmallMemberBytes + 1}});
}

namespace {

// Hangs in its second step until it is released.
class HangingTask : public capture::Task {
 public:
  explicit HangingTask(std::binary_semaphore& release) : release_(release) {}
  std::size_t step_count() const override { return 3; }
  archive::JournalEntry about(std::size_t step) const override {
    archive::JournalEntry entry;
    entry.source = "step" + std::to_string(step);
    return entry;
  }
  void run(std::size_t step, capture::Output& output) override {
    if (step == 1) release_.acquire();
    output.member("member" + std::to_string(step), "bytes");
  }

 private:
  std::binary_semaphore& release_;
};

}  // namespace

TEST_CASE("a read that hangs is given up and recorded; what came before and after it is kept") {
  static std::binary_semaphore release(0);  // outlives the thread that is given up
  capture::ReaderPool pool(1, 1, 1);        // every read that is looked at twice is overdue
  const Collected got = run(pool, {std::make_shared<HangingTask>(release)});
  CHECK(got.members.count("member0") == 1);
  CHECK(got.members.count("member1") == 0);
  CHECK(got.members.count("member2") == 1);
  const auto* entry = got.entry("step1", base::OutcomeKind::timeout);
  REQUIRE(entry);
  CHECK(pool.abandoned_threads() == 1);
  release.release();
}

namespace {

class BlockedTask : public capture::Task {
 public:
  explicit BlockedTask(std::binary_semaphore& release) : release_(release) {}
  archive::JournalEntry about(std::size_t) const override { return {}; }
  void run(std::size_t, capture::Output&) override {
    release_.acquire();
    release_.release();
  }

 private:
  std::binary_semaphore& release_;
};

}  // namespace

namespace {

// Hands on a megabyte that doesn't compress.
class LargeTask : public capture::Task {
 public:
  explicit LargeTask(std::atomic<int>& begun) : begun_(begun) {}
  archive::JournalEntry about(std::size_t) const override { return {}; }
  void run(std::size_t, capture::Output& output) override {
    ++begun_;
    const std::string bytes(1 << 20, 'x');
    archive::CompressedMember member;
    member.name = "large";
    member.size_bytes = bytes.size();
    member.frame.append(bytes.data(), bytes.size());
    output.large(std::move(member));
  }

 private:
  std::atomic<int>& begun_;
};

}  // namespace

TEST_CASE("readers wait for a writer that is slow") {
  // 8 MiB may wait; each of the two readers may have one more in its hands, and has begun the one after it when the
  // caller takes one.
  constexpr int kMost = 8 + 2 + 1;
  std::atomic<int> begun{0};
  std::vector<std::shared_ptr<capture::Task>> tasks;
  for (int i = 0; i < 60; ++i) tasks.push_back(std::make_shared<LargeTask>(begun));
  capture::ReaderPool pool(2, 1, kLong);
  int taken = 0;
  pool.run(std::move(tasks), [&](capture::Batch batch) {
    taken += static_cast<int>(batch.large.size());
    // As long as it takes them to get ahead as far as they may, and then a while in which they may not.
    while (begun < std::min(60, taken + 8)) std::this_thread::yield();
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    CHECK(begun - taken <= kMost);
    return true;
  });
  CHECK(taken == 60);
}

TEST_CASE("ending a capture drops the tasks that have not begun") {
  std::binary_semaphore release(0);
  std::vector<std::shared_ptr<capture::Task>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(std::make_shared<BlockedTask>(release));
  capture::ReaderPool pool(1, 1, kLong);
  // The first task can't end before the caller has said that it is enough.
  bool asked = false;
  const std::size_t finished = pool.run(std::move(tasks), [&](capture::Batch) {
    // The second call comes after the first one's answer was taken.
    if (std::exchange(asked, true)) release.release();
    return false;
  });
  CHECK(finished == 1);
}

TEST_CASE("handlers are found in kallsyms, built in or loaded, and absence is told from ignorance") {
  const std::vector<capture::DiagHandler> wanted{
      {"tcp_diag_dump", "tcp_diag"}, {"udp_diag_dump", "udp_diag"}, {"unix_diag_handler_dump", "unix_diag"}};
  using enum capture::Presence;
  {
    FakeHost fake;
    fake.file("proc/kallsyms",
              "0000000000000000 t tcp_diag_dump_one\n0000000000000000 t tcp_diag_dump.isra.0\t[tcp_diag]\n"
              "0000000000000000 t unix_diag_handler_dump\n" + std::string(200'000, 'x') + "\n");
    const capture::Host host = fake.open();
    archive::JournalEntry entry;
    CHECK(capture::find_diag_handlers(host, wanted, "6.1.0", entry) == std::vector{present, absent, present});
    CHECK(entry.detail.find("udp_diag absent") != std::string::npos);
  }
  {
    FakeHost fake;
    fake.file("proc/modules", "tcp_diag 16384 0 - Live 0x0\n");
    fake.file("lib/modules/6.1.0/modules.builtin", "kernel/net/unix/unix_diag.ko\n");
    const capture::Host host = fake.open();
    archive::JournalEntry entry;
    CHECK(capture::find_diag_handlers(host, wanted, "6.1.0", entry) == std::vector{present, unknown, present});
  }
}

namespace {

struct Captured {
  std::map<std::string, std::string> members;
  std::map<std::string, int> written;  // how often each
  std::vector<archive::JournalEntry> journal;
};

Captured capture_all(const FakeHost& fake, const capture::CaptureOptions& options) {
  const capture::Host host = fake.open();
  archive::MemorySink sink;
  std::atomic<int> signal{0};
  REQUIRE(capture::run_capture(host, sink, options, [](const auto&) {}, signal).has_value());
  Captured all;
  const auto report = archive::read_archive(sink.bytes(), [&](const archive::Member& member) {
    const std::string name(member.name);
    all.members[name] = member.bytes;
    ++all.written[name];
    if (name.starts_with("journal/"))
      for (auto& entry : archive::parse_journal(member.bytes).entries) all.journal.push_back(entry);
  });
  CHECK(report.sealed);
  return all;
}

// A host whose tables are in /proc/net only.
void make_host(FakeHost& fake) {
  fake.file("proc/kallsyms", "0000000000000000 T sock_diag_register\n");
  fake.link("proc/self/ns/net", "net:[77]");
  fake.link("proc/thread-self", "self");
}

}  // namespace

TEST_CASE("what else may hold a socket is looked at only where one has no holder") {
  FakeHost fake;
  make_host(fake);
  fake.file("proc/self/net/raw", "  sl\n    1: 00:0001 00:0000 07 00:00 00:00 00 0 0 4711 2 0 0\n");
  fake.file("proc/self/net/unix", "Num\n00: 00000002 00000000 00010000 0001 01 4713\n");
  fake.file("proc/9/stat", "9 (x) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0\n");
  fake.file("proc/9/maps", "0-1 rw-s 0 00:08 4712    socket:[4712]\n");
  fake.link("proc/9/fd/4", "socket:[4713]");
  fake.file("proc/9/fdinfo/4", "scm_fds: 1\n");
  const auto has = [](const Captured& got, const char* source, int pass) {
    return std::any_of(got.journal.begin(), got.journal.end(),
                       [&](const auto& entry) { return entry.source == source && entry.pass.value_or(1) == pass; });
  };
  const auto held_by_none = capture_all(fake, {});
  CHECK(has(held_by_none, "proc_list", 3));  // it may have come after the second walk
  CHECK(held_by_none.members.count("proc/9/fdinfo/4") == 1);
  CHECK_FALSE(has(held_by_none, "proc_pid_maps", 1));  // a raw socket can't be mapped
  fake.link("proc/9/fd/3", "socket:[4711]");
  const auto held = capture_all(fake, {});
  CHECK_FALSE(has(held, "proc_list", 3));
  CHECK_FALSE(has(held, "proc_pid_fdinfo", 1));
  fake.file("proc/self/net/packet", "sk\nff 3 3 0003 2 1 0 0 4712\n");
  const auto mapped = capture_all(fake, {});
  CHECK(mapped.members.count("proc/9/maps") == 1);
}

TEST_CASE("what needs requests by family is unsupported by a kernel that has none, and not merely not loaded") {
  FakeHost fake;
  make_host(fake);
  std::map<base::OutcomeKind, int> outcomes;
  const auto count = [&](const std::string& symbols) {
    fake.file("proc/kallsyms", symbols);
    outcomes.clear();
    for (const auto& entry : capture_all(fake, {}).journal)
      if (entry.source.ends_with("_diag")) ++outcomes[entry.outcome];
  };
  count("0000000000000000 t some_symbol\n");
  CHECK(outcomes == std::map<base::OutcomeKind, int>{{base::OutcomeKind::not_loaded, 2}, {base::OutcomeKind::unsupported, 19}});
  count("0000000000000000 T sock_diag_register\n");
  CHECK(outcomes == std::map<base::OutcomeKind, int>{{base::OutcomeKind::not_loaded, 20}});
}

TEST_CASE("the links of a thread are written once, whoever has read them") {
  FakeHost fake;
  make_host(fake);
  fake.file("proc/9/stat", "9 (x) Z 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 7 0 0\n");
  fs::create_directories(fake.root() / "proc/9/fd");
  for (const char* tid : {"10", "11"}) {
    const std::string thread = std::string("proc/9/task/") + tid + "/";
    fake.file(thread + "stat", std::string(tid) + " (x) S 1 9 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 3 0 7 0 0\n");
    fake.link(thread + "ns/net", std::string("net:[") + tid + "]");
    fake.link(thread + "exe", "/usr/bin/demo");
  }
  fs::create_directories(fake.root() / "proc/9/task/9");
  const auto got = capture_all(fake, {});
  CHECK(got.written.at("proc/9/task/10/links") == 1);
  CHECK(got.members.at("proc/9/task/10/links").find("/usr/bin/demo") != std::string::npos);
  CHECK(got.members.at("proc/9/task/11/links") == records({"ns/net - net:[11]"}));
}

TEST_CASE("a whole capture of a fake host replays, and a table without its handler is not asked for") {
  FakeHost fake;
  fake.file("proc/kallsyms", "0000000000000000 T sock_diag_register\n");
  fake.file("proc/self/net/tcp", "  sl  local_address rem_address   st\n");
  fake.link("proc/self/ns/net", "net:[77]");
  fake.link("proc/thread-self", "self");
  fake.file("proc/9/stat", "9 (x) S 1");
  fake.file("etc/passwd", "root:x:0:0::/:/bin/sh\n");
  fake.file("usr/lib/os-release", "ID=demo\n");
  fake.link("etc/os-release", "../usr/lib/os-release");
  fake.fifo("proc/self/net/pipe");
  const capture::Host host = fake.open();
  archive::MemorySink sink;
  capture::CaptureOptions options;
  options.pids = {9, 11};
  std::atomic<int> signal{0};
  const auto result = capture::run_capture(host, sink, options, [](const auto&) {}, signal);
  REQUIRE(result.has_value());
  std::map<std::string, std::string> members;
  std::vector<archive::JournalEntry> journal;
  const auto report = archive::read_archive(sink.bytes(), [&](const archive::Member& member) {
    members[std::string(member.name)] = member.bytes;
    if (member.name.starts_with("journal/"))
      for (auto& entry : archive::parse_journal(member.bytes).entries) journal.push_back(entry);
  });
  CHECK(report.sealed);
  CHECK(members.count("README.txt") == 1);
  CHECK(members.at("etc/os-release") == "ID=demo\n");
  CHECK(members.count("netns/77/proc/net/tcp") == 1);
  CHECK(members.count("netns/77/proc/net/pipe") == 0);
  CHECK(members.count("proc/9/stat") == 1);
  int not_loaded = 0, left_out = 0, missing = 0;
  for (const auto& entry : journal) {
    not_loaded += entry.outcome == base::OutcomeKind::not_loaded;
    missing += entry.outcome == base::OutcomeKind::vanished && entry.pid == 11;
    left_out += entry.outcome == base::OutcomeKind::skipped && entry.source == "proc_list";
  }
  CHECK(not_loaded == 21);  // every table of sockets, and conntrack
  CHECK(missing == 1);
  CHECK(left_out == 1);
  for (const auto& [name, bytes] : members) CHECK(name.find("_diag") == std::string::npos);
}

TEST_CASE("a capture that is ended by a signal is sealed and says so") {
  FakeHost fake;
  const capture::Host host = fake.open();
  archive::MemorySink sink;
  std::atomic<int> signal{2};
  const auto result = capture::run_capture(host, sink, {}, [](const auto&) {}, signal);
  REQUIRE(result.has_value());
  CHECK(result->end.status == archive::EndStatus::interrupted);
  CHECK(result->end.signal == 2);
  std::string end;
  const auto report = archive::read_archive(sink.bytes(), [&](const archive::Member& member) {
    if (member.name == "end.json") end = member.bytes;
  });
  CHECK(report.sealed);
  CHECK(archive::parse_end_info(end)->signal == 2);
}

TEST_CASE("a capture that has no time left is sealed, with what it left out") {
  FakeHost fake;
  fake.file("proc/9/stat", "9 (x) S 1");
  const capture::Host host = fake.open();
  archive::MemorySink sink;
  const std::atomic<int> signal{0};
  capture::CaptureOptions options;
  options.timeout_nsec = 1;
  const auto result = capture::run_capture(host, sink, options, [](const auto&) {}, signal);
  REQUIRE(result.has_value());
  CHECK(result->end.status == archive::EndStatus::limit);
  CHECK(result->end.detail == "--timeout 0.000000001 s");
  CHECK(result->has_gaps);
  CHECK(result->end.gaps.at("timeout") > 0);
}

TEST_CASE("a size that is too small for any archive says so before anything is written") {
  FakeHost fake;
  const capture::Host host = fake.open();
  archive::MemorySink sink;
  const std::atomic<int> signal{0};
  capture::CaptureOptions options;
  options.max_bytes = 1000;
  options.max_bytes_name = "--max-size";
  const auto result = capture::run_capture(host, sink, options, [](const auto&) {}, signal);
  REQUIRE(result.has_error());
  CHECK(result.error().max_bytes_too_small);
  CHECK(sink.bytes().empty());
}

namespace {

// Takes so many bytes, then fails like a full disk.
class SmallSink : public archive::Sink {
 public:
  explicit SmallSink(std::size_t room) : room_(room) {}
  base::Result<void> write(std::string_view bytes) override {
    if (bytes.size() > room_) return base::Error{"no space", ENOSPC};
    room_ -= bytes.size();
    taken_ += bytes.size();
    return {};
  }
  std::uint64_t taken() const override { return taken_; }

 private:
  std::size_t room_;
  std::uint64_t taken_ = 0;
};

}  // namespace

TEST_CASE("a full disk ends the capture with an error that says whether something replays") {
  FakeHost fake;
  const capture::Host host = fake.open();
  std::atomic<int> signal{0};
  archive::MemorySink all;
  REQUIRE(capture::run_capture(host, all, {}, [](const auto&) {}, signal).has_value());
  SmallSink none(10), some(all.bytes().size() / 2);
  const auto nothing = capture::run_capture(host, none, {}, [](const auto&) {}, signal);
  REQUIRE(nothing.has_error());
  CHECK_FALSE(nothing.error().replayable);
  CHECK(nothing.error().error.errno_number == ENOSPC);
  const auto cut = capture::run_capture(host, some, {}, [](const auto&) {}, signal);
  REQUIRE(cut.has_error());
  CHECK(cut.error().replayable);
}
