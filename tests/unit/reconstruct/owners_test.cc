// Who holds each socket: every way to hold one, and nothing that grows with the square.
#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using namespace std::string_literals;
using Fds = std::vector<std::uint32_t>;

namespace {

decode::ProcPidFdinfo ring_info(std::vector<std::string> names) {
  std::string text = "UserFiles:\t" + std::to_string(names.size()) + "\n";
  for (std::size_t i = 0; i < names.size(); ++i) text += "    " + std::to_string(i) + ": " + names[i] + "\n";
  return decode::decode_proc_pid_fdinfo(text);
}

decode::ProcPidFdinfo receiver_info(int descriptors) {
  return decode::decode_proc_pid_fdinfo("scm_fds: " + std::to_string(descriptors) + "\n");
}

}  // namespace

TEST_CASE("a connection that waits to be accepted belongs to its listener's owners") {
  Records records = make_records();
  auto listener = tcp(10, 80, 1000, 7);
  listener.family = 10;
  listener.local = ip6_any();
  listener.peer = ip6_any();
  auto waiting = tcp(1, 80, 0, 8, 5000);
  waiting.family = 10;
  waiting.local = mapped(127, 0, 0, 1);
  waiting.peer = mapped(127, 0, 0, 1);
  auto request = tcp(3, 80, 0, 9, 5001);
  auto orphan = tcp(4, 81, 0, 10, 5002);
  add_dump(records, list(std::move(listener), std::move(waiting), std::move(request), std::move(orphan)));
  add_process(records, 50, 1, 100, {{1000, 3}});
  const auto snapshot = run(std::move(records));
  for (const auto& socket : snapshot.sockets) {
    if (socket.peer.port == 5000) {
      REQUIRE(socket.owners.size() == 1);
      CHECK(socket.owners[0].via == model::Via::listener);
      CHECK(socket.owners[0].fds.empty());
    }
    if (socket.peer.port == 5001) {
      CHECK(socket.ownerless_reason->code == model::OwnerlessCode::request);
      CHECK(socket.ownerless_reason->detail.find("[::]:80") != std::string::npos);
    }
    if (socket.peer.port == 5002) CHECK(socket.ownerless_reason->code == model::OwnerlessCode::orphan);
  }
}

TEST_CASE("v6only listeners take no IPv4 connection") {
  Records records = make_records();
  auto listener = tcp(10, 80, 1000, 7);
  listener.family = 10;
  listener.local = ip6_any();
  listener.attributes = std::make_unique<decode::InetDiagAttributes>();
  listener.attributes->v6only = true;
  add_dump(records, list(std::move(listener), tcp(1, 80, 0, 8, 5000)));
  add_process(records, 50, 1, 100, {{1000, 3}});
  for (const auto& socket : run(std::move(records)).sockets)
    if (socket.peer.port == 5000) CHECK(socket.owners.empty());
}

TEST_CASE("owners say which walk saw them") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {{1000, 3, 1}, {1000, 3, 2}});
  add_process(records, 60, 1, 100, {{1000, 4, 2}});
  const auto snapshot = run(std::move(records));
  const auto& owners = snapshot.sockets.at(0).owners;
  REQUIRE(owners.size() == 2);
  CHECK(owners[0].passes == 3);
  CHECK(owners[0].fds == std::vector<std::uint32_t>{3});
  CHECK(owners[1].passes == 2);
}

TEST_CASE("threads with a table of their own are owners beside their process, by pid, then thread") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {{1000, 3, 1, 62}, {1000, 8, 1, 61}, {1000, 3, 1, 0}, {1000, 9, 2, 61}});
  add_process(records, 40, 1, 100, {{1000, 5, 1, 41}});
  const auto snapshot = run(std::move(records));
  const auto& owners = snapshot.sockets.at(0).owners;
  REQUIRE(owners.size() == 4);
  CHECK(owners[0].tid == 41);
  CHECK(owners[0].via == model::Via::thread_fd);
  CHECK_FALSE(owners[1].tid);
  CHECK(owners[1].via == model::Via::fd);
  CHECK(owners[2].tid == 61);
  CHECK(owners[2].fds == Fds{8, 9});
  CHECK(owners[2].passes == 3);
  CHECK(owners[3].tid == 62);
  for (const auto& owner : owners) CHECK(owner.certainty == model::Certainty::certain);
}

TEST_CASE("registered files of a ring and mappings hold a socket, beside an fd too") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8)));
  add_process(records, 50, 1, 100, {});
  reconstruct::add_fdinfo(records, {50}, 4, ring_info({"socket:[1000]", "/dev/null", "socket:[1000]", "socket:[1001]"}));
  add_process(records, 60, 1, 100, {{1000, 7}});
  reconstruct::add_fdinfo(records, {60}, 5, ring_info({"socket:[1000]"}));
  reconstruct::add_maps(records, 60, decode::decode_proc_pid_maps("0-1 rw-s 0 0:9 1000 socket:[1000]\n0-1 rw-s 0 0:9 1001 socket:[1001]\n"));
  const auto snapshot = run(std::move(records));
  const auto& owners = socket_with(snapshot, 1000).owners;
  REQUIRE(owners.size() == 4);
  CHECK(owners[0].via == model::Via::io_uring);
  CHECK(owners[0].fds == Fds{4});
  CHECK(owners[0].registered_files == Fds{0, 2});
  CHECK(owners[0].certainty == model::Certainty::certain);
  CHECK(owners[1].via == model::Via::fd);
  CHECK(owners[2].via == model::Via::io_uring);
  CHECK(owners[2].fds == Fds{5});
  CHECK(owners[3].via == model::Via::mmap);
  const auto& others = socket_with(snapshot, 1001).owners;
  REQUIRE(others.size() == 2);
  CHECK(others[0].registered_files == Fds{3});
  CHECK(others[1].via == model::Via::mmap);
  CHECK(others[1].fds.empty());
  CHECK_FALSE(socket_with(snapshot, 1001).ownerless_reason);
}

TEST_CASE("a ring that tells only protocols may hold those sockets of its namespace that nobody holds") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8)));
  add_dump(records, list(tcp(10, 80, 1002, 9)), 1, kNetns + 1);
  add_udp_dump(records, list(udp(2, 53, 1003)));
  add_process(records, 50, 1, 100, {{1001, 3}});
  reconstruct::add_fdinfo(records, {50}, 4, ring_info({"<none>", "TCP", "notes.txt"}));
  const auto snapshot = run(std::move(records));
  const auto& socket = socket_with(snapshot, 1000);
  REQUIRE(socket.owners.size() == 1);
  CHECK(socket.owners[0].via == model::Via::io_uring);
  CHECK(socket.owners[0].certainty == model::Certainty::possible);
  CHECK(socket.owners[0].registered_files == Fds{1});
  CHECK(reason_of(snapshot, 1000).detail.starts_with("may be a registered file of an io_uring of pid 50 (fd 4)"));
  CHECK(socket_with(snapshot, 1001).owners.at(0).certainty == model::Certainty::certain);
  CHECK(socket_with(snapshot, 1001).owners.size() == 1);
  CHECK(socket_with(snapshot, 1002).owners.empty());
  CHECK(socket_with(snapshot, 1003).owners.empty());
}

TEST_CASE("descriptors in flight: the owners of every receiving socket may hold what nobody holds") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8), tcp(6, 82, 0, 9, 5000), tcp(1, 83, 1004, 10, 5001)));
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8), tcp(6, 82, 0, 9, 5000)), 2);
  add_unix_dump(records, {unix_socket(1, 200, 20), unix_socket(1, 201, 21)});
  add_process(records, 50, 1, 100, {{200, 4}, {1001, 5}});
  reconstruct::add_fdinfo(records, {50}, 4, receiver_info(3));
  add_process(records, 60, 50, 200, {{200, 9}, {200, 9, 1, 61}});  // shares the receiving socket
  const auto snapshot = run(std::move(records));
  const auto& owners = socket_with(snapshot, 1000).owners;
  REQUIRE(owners.size() == 2);
  for (const auto& owner : owners) {
    CHECK(owner.via == model::Via::in_flight);
    CHECK(owner.certainty == model::Certainty::possible);
  }
  CHECK(owners[0].fds == Fds{4});
  CHECK(owners[1].fds == Fds{9});
  CHECK(reason_of(snapshot, 1000).code == model::OwnerlessCode::uncertain);
  CHECK(reason_of(snapshot, 1000).detail.starts_with("may be in flight, in the queue of pid 50 (fd 4), pid 60 (fd 9); else "));
  CHECK(socket_with(snapshot, 1001).owners.size() == 1);
  CHECK(socket_with(snapshot, 201).owners.size() == 2);
  CHECK(socket_with(snapshot, 1004).owners.empty());  // it went
  for (const auto& socket : snapshot.sockets)
    if (!socket.inode) CHECK(socket.owners.empty());
}

TEST_CASE("a connection that may wait at several listeners belongs to the owners of each, probably") {
  Records records = make_records();
  auto any = tcp(10, 80, 1002, 9);
  any.local = ip4(0, 0, 0, 0);
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 80, 1001, 8), std::move(any), tcp(1, 80, 0, 10, 5000)));
  add_process(records, 50, 1, 100, {{1000, 3}});
  add_process(records, 60, 1, 100, {{1001, 3}, {1000, 4}, {1000, 4, 1, 61}});
  add_process(records, 70, 1, 100, {{1002, 3}});  // of any address: the exact ones come before it
  const auto snapshot = run(std::move(records));
  for (const auto& socket : snapshot.sockets) {
    if (socket.inode) continue;
    REQUIRE(socket.owners.size() == 2);
    for (const auto& owner : socket.owners) {
      CHECK(owner.via == model::Via::listener);
      CHECK(owner.certainty == model::Certainty::probable);
    }
    REQUIRE(socket.ownerless_reason);
    CHECK(socket.ownerless_reason->code == model::OwnerlessCode::request);
    CHECK(socket.ownerless_reason->detail == "waits to be accepted by one of the 2 listeners on 127.0.0.1:80");
  }
}

TEST_CASE("of listeners with one path, the one whose dump names the client has the connection") {
  Records records = make_records();
  auto first = unix_socket(10, 100, 1), second = unix_socket(10, 101, 2);
  first.name = second.name = "/run/s";
  second.pending_inodes = {102};
  auto waiting = unix_socket(1, 0, 3);
  waiting.name = "/run/s";
  const bool is_told = GENERATE(true, false);
  if (is_told) waiting.peer_inode = 102;
  add_unix_dump(records, {first, second, waiting});
  add_process(records, 50, 1, 100, {{100, 3}});
  add_process(records, 60, 1, 100, {{101, 3}});
  const auto snapshot = run(std::move(records));
  for (const auto& socket : snapshot.sockets) {
    if (socket.inode) continue;
    REQUIRE(socket.owners.size() == (is_told ? std::size_t{1} : std::size_t{2}));
    CHECK(snapshot.processes[socket.owners.back().process].pid == 60);
    CHECK(socket.owners[0].certainty == (is_told ? model::Certainty::certain : model::Certainty::probable));
    CHECK(socket.ownerless_reason.has_value() == !is_told);
  }
}

TEST_CASE("a UNIX connection is listed in its client's namespace, the listener in its own") {
  constexpr std::uint64_t kOther = kNetns + 1;
  Records records = make_records();
  auto listener = unix_socket(10, 100, 1), waiting = unix_socket(1, 0, 3);
  listener.name = waiting.name = "/run/s";
  listener.pending_inodes = {102};
  waiting.peer_inode = 102;
  decode::UnixDiagDump here, there;
  here.rows.push_back(listener);
  there.rows.push_back(waiting);
  records.unix_dumps.emplace_back(reconstruct::Origin{2, kNetns, 1}, std::move(here));
  records.unix_dumps.emplace_back(reconstruct::Origin{2, kOther, 1}, std::move(there));
  add_process(records, 50, 1, 100, {{100, 3}});
  const auto snapshot = run(std::move(records));
  for (const auto& socket : snapshot.sockets) {
    REQUIRE(socket.owners.size() == 1);
    CHECK(socket.owners[0].via == (socket.inode ? model::Via::fd : model::Via::listener));
  }
}

TEST_CASE("a thread of a plain copy of /proc that shares its process's table is no owner of its own") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8)));
  add_process(records, 50, 1, 100, {});
  decode::LinkRecord link;
  const auto add = [&](std::int64_t tid, std::string_view name, std::string_view target) {
    link.name = name;
    link.target = target;
    reconstruct::add_link(records, {50, tid}, link);
  };
  for (const std::int64_t tid : {0, 50, 51}) add(tid, "fd/3", "socket:[1000]");
  for (const std::int64_t tid : {52, 53}) add(tid, "fd/4", "socket:[1001]");
  const auto snapshot = run(std::move(records));
  const auto& owners = socket_with(snapshot, 1000).owners;
  REQUIRE(owners.size() == 1);
  CHECK_FALSE(owners[0].tid);
  REQUIRE(socket_with(snapshot, 1001).owners.size() == 1);
  CHECK(socket_with(snapshot, 1001).owners[0].tid == 52);
}

TEST_CASE("the second process with a pid is an owner of its own") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 81, 1001, 8)));
  add_process(records, 50, 1, 100, {{1000, 3}});
  auto& again = records.processes[{50, true}];
  again.stat = records.processes[50].stat;
  again.stat->start_ticks = 900;
  again.fds_seen = true;
  again.sockets = {{1001, 3}};
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.processes.size() == 2);
  CHECK(snapshot.processes[socket_with(snapshot, 1000).owners.at(0).process].start_ticks == 100u);
  CHECK(snapshot.processes[socket_with(snapshot, 1001).owners.at(0).process].start_ticks == 900u);
}

TEST_CASE("2,500 workers on each of ten listeners are told in full, of forged masses each socket's first owners") {
  Records records = make_records();
  decode::InetDiagDump dump;
  const bool is_forged = GENERATE(false, true);
  const std::uint16_t listeners = 10, waiting = is_forged ? 20'000 : 10;
  for (std::uint16_t i = 0; i < listeners; ++i) dump.rows.push_back(tcp(10, static_cast<std::uint16_t>(is_forged ? 80 : 80 + i), 1000u + i, i + 1u));
  for (std::uint16_t i = 0; i < waiting; ++i) dump.rows.push_back(tcp(1, 80, 0, 5000u + i, static_cast<std::uint16_t>(5000 + i)));
  std::vector<reconstruct::HeldSocket> held;
  for (std::uint32_t i = 0; i < listeners; ++i) held.push_back({1000u + i, 3u + i});
  for (std::int64_t pid = 100; pid < 2600; ++pid) add_process(records, pid, 1, 100, held);
  add_dump(records, std::move(dump.rows));
  const auto snapshot = run(std::move(records));
  std::size_t owners = 0;
  for (const auto& socket : snapshot.sockets) {
    if (socket.inode) CHECK(socket.owners.size() == 2500);
    else CHECK(socket.owners.size() >= (is_forged ? std::size_t{1} : std::size_t{2500}));
    owners += socket.owners.size();
  }
  CHECK(owners < 2'000'000);
}
