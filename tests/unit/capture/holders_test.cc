// The look for the holders of sockets that no fd table explains.
#include "capture/holders.h"

#include "capture/last_look.h"
#include "fake_host.h"

using namespace ssnap;
using namespace ssnap::capture_test;
using capture::SocketKind;
using capture::TableInode;

namespace {

std::vector<std::uint32_t> inodes(const std::vector<TableInode>& list) {
  std::vector<std::uint32_t> numbers;
  for (const TableInode& item : list) numbers.push_back(item.inode);
  return numbers;
}

const capture::SeenProcess kProcess{42, 0, 7, false, false};
const std::string kStat = "42 (demo) S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0 0\n";

}  // namespace

TEST_CASE("without a holder is what neither an fd table nor an io_uring has, but the kernel's own and the collector's") {
  std::vector<TableInode> first{{5, {}}, {1, {}}, {2, {}}, {3, {}}, {4, SocketKind::kernels}, {6, {}}, {2, SocketKind::mappable}};
  std::vector<TableInode> second{{1, {}}, {2, {}}, {3, {}}, {4, {}}, {5, {}}, {7, {}}};
  capture::sort_inodes(first);
  CHECK(inodes(first) == std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6});
  CHECK(first[1].kind == SocketKind::mappable);
  CHECK(capture::contains(first, 6));
  CHECK_FALSE(capture::contains(first, 7));
  const auto lived = capture::in_both(first, second);
  CHECK(inodes(lived) == std::vector<std::uint32_t>{1, 2, 3, 4, 5});
  capture::Seen walks;
  walks.held.push_back({1, 42, 3});
  walks.registered.push_back(3);
  walks.own.push_back(5);
  CHECK(inodes(capture::only_in_first(second, first)) == std::vector<std::uint32_t>{7});
  const auto explained = capture::explained_inodes(walks);
  const auto left = capture::without_holder(lived, explained);
  REQUIRE(inodes(left) == std::vector<std::uint32_t>{2});
  CHECK(left[0].kind == SocketKind::mappable);
}

TEST_CASE("of a held socket that is known only the inode is kept, but for UNIX sockets") {
  capture::Seen walk;
  walk.held = {{9, 42, 3, 0}, {1, 42, 4, 0}, {2, 43, 3, 0}};
  const auto before = capture::explained_inodes(walk);
  capture::forget_known_fds(walk, {{1, SocketKind::mappable}, {2, SocketKind::local}});
  CHECK(walk.explained == std::vector<std::uint32_t>{1});
  REQUIRE(walk.held.size() == 2);
  CHECK(walk.held[0].inode == 9);
  CHECK(walk.held[1].inode == 2);
  CHECK(capture::explained_inodes(walk) == before);
}

TEST_CASE("unseen is what an fd table has and no dump") {
  capture::Seen walks;
  walks.held = {{9, 42, 3, 0}, {1, 42, 4, 0}, {9, 43, 3, 0}, {8, 43, 5, 0}};
  walks.registered = {7};
  walks.own = {6};
  const std::vector<TableInode> dumped{{1, {}}, {2, {}}};
  const auto unseen = capture::unseen_sockets(walks.held, capture::explained_inodes(walks), dumped);
  REQUIRE(unseen.size() == 3);
  CHECK(unseen[0].pid == 42);
  CHECK(unseen[1].pid == 43);
  CHECK(unseen[2].inode == 8);
  CHECK(capture::unseen_sockets(walks.held, capture::explained_inodes(walks), {{1, {}}, {8, {}}, {9, {}}}).empty());
}

TEST_CASE("of UNIX sockets fdinfo is kept where descriptors wait") {
  FakeHost fake;
  fake.file("proc/42/stat", kStat);
  for (const char* fd : {"3", "4", "5", "6", "7"}) fake.link(std::string("proc/42/fd/") + fd, std::string("socket:[10") + fd + "]");
  fake.link("proc/42/task/43/fd/3", "socket:[203]");
  fake.file("proc/42/fdinfo/3", "pos:\t0\nscm_fds: 2\n");
  fake.file("proc/42/fdinfo/4", "pos:\t0\nscm_fds: 0\n");
  fake.file("proc/42/fdinfo/5", "pos:\t0\nscm_fds: 1\n");
  fake.file("proc/42/fdinfo/7", "pos:\t0\nscm_fds: 1\n");
  fake.file("proc/42/task/43/fdinfo/3", "scm_fds: 1\n");
  capture::Seen walks;
  walks.processes = {kProcess};
  // Fd 3 in two walks, 4 with an empty queue, 5 of another family, 6 without fdinfo, 7 another socket by now.
  walks.held = {{103, 42, 3}, {103, 42, 3}, {104, 42, 4}, {105, 42, 5}, {106, 42, 6}, {108, 42, 7}, {203, 42, 3, 43}};
  const std::vector<TableInode> local{{103, SocketKind::local}, {104, SocketKind::local}, {106, SocketKind::local},
                                      {108, SocketKind::local}, {203, SocketKind::local}};
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::waiting_fds_task(host, local, walks)});
  CHECK(got.members == std::map<std::string, std::string>{{"proc/42/fdinfo/3", "pos:\t0\nscm_fds: 2\n"},
                                                          {"proc/42/task/43/fdinfo/3", "scm_fds: 1\n"}});
  CHECK(got.journal.back().count == 4);
  CHECK(got.journal.back().outcome == base::OutcomeKind::ok);
  const auto* failed = got.entry("proc_pid_fdinfo", base::OutcomeKind::vanished);
  REQUIRE(failed);
  CHECK(failed->count == 1);
}

TEST_CASE("maps are kept of who maps a socket or an io_uring, and looked at of everybody but kernel threads") {
  FakeHost fake;
  const std::string line = "7f1c2e200000-7f1c2e240000 rw-s 00000000 00:08 4711    ";
  const std::string wide(70'000, 'x');  // the words come in two pieces
  std::vector<std::string> texts{line + "socket:[4711]\n", line + "anon_inode:[io_uring]\n", line + "/usr/lib/x.so\n",
                                 line + "socket:[4711]\n", wide.substr(0, 64 * 1024 - 5) + "socket:[4711]\n"};
  capture::Seen walks;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto pid = static_cast<std::int32_t>(42 + i);
    capture::SeenProcess process = kProcess;
    process.pid = pid;
    process.kernel_thread = i == 3;
    walks.processes.push_back(process);
    fake.file("proc/" + std::to_string(pid) + "/stat", std::to_string(pid) + kStat.substr(2));
    fake.file("proc/" + std::to_string(pid) + "/maps", texts[i]);
  }
  // Its leader has exited; another's number is used again; one that ended, one that can't be read.
  walks.processes.push_back({50, 51, 7, false, false});
  fake.file("proc/50/stat", "50" + kStat.substr(2));
  fake.file("proc/50/maps", "");
  fake.file("proc/50/task/51/maps", texts[0]);
  walks.processes.push_back({52, 0, 6, false, false});
  fake.file("proc/52/stat", "52" + kStat.substr(2));
  fake.file("proc/52/maps", texts[0]);
  walks.processes.push_back({53, 0, 7, false, false});
  walks.processes.push_back({54, 0, 7, false, false});
  fake.file("proc/54/stat", "54" + kStat.substr(2));
  fake.link("proc/54/maps", "nowhere");  // O_NOFOLLOW: ELOOP
  const capture::Host host = fake.open();
  capture::ReaderPool pool(1, 1, kLong);
  const Collected got = run(pool, {capture::maps_task(host, walks)});
  std::vector<std::string> names;
  for (const auto& [name, bytes] : got.members) names.push_back(name);
  CHECK(names == std::vector<std::string>{"proc/42/maps", "proc/43/maps", "proc/50/maps"});
  CHECK(got.large == std::vector<std::string>{"proc/46/maps"});
  CHECK(got.members.at("proc/50/maps") == texts[0]);
  CHECK(got.journal.back().count == 5);
  const auto* failed = got.entry("proc_pid_maps", base::OutcomeKind::cut);
  REQUIRE(failed);
  CHECK(failed->pid == 54);
}
