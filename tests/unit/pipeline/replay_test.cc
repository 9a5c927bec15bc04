// Which member goes where, and what a whole input adds up to.
#include "pipeline/replay.h"

#include <filesystem>
#include <fstream>

#include "archive/sink.h"
#include "archive/writer.h"
#include "pipeline/member_table.h"
#include "support/catch.h"

using namespace ssnap;
namespace fs = std::filesystem;

namespace {

constexpr const char* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     7        0 1596 1 0 100 0 0 10 0\n";
constexpr const char* kStat =
    "42 (demo) S 1 42 42 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 150 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::string make_archive(bool finish) {
  archive::MemorySink sink;
  archive::Writer writer(sink, {});
  archive::CaptureInfo info;
  info.tool.name = "ssnap";
  info.host.nodename = "demo";
  info.collector.namespaces["net"] = 77;
  info.collector.namespaces["pid"] = 78;  // not the host's first
  info.clocks.realtime_nsec = 2'000'000'000;
  info.clocks.boottime_nsec = 1'000'000'000;
  REQUIRE(writer.add_now("README.txt", "hello").has_value());
  REQUIRE(writer.add_now("capture.json", archive::to_json(info)).has_value());
  REQUIRE(writer.add("netns/77/proc/net/tcp", kTcp).has_value());
  REQUIRE(writer.add("proc/42/stat", kStat).has_value());
  REQUIRE(writer.add("proc/42/fds", std::string("3 - socket:[1596]\0" "4 !13 \0", 25)).has_value());
  REQUIRE(writer.add("etc/passwd", "demo:x:7:7::/:/bin/sh\n").has_value());
  REQUIRE(writer.add("etc/services", "https 443/tcp www\n").has_value());
  REQUIRE(writer.add("netns/77/proc/sys/net/ipv4/ip_local_port_range", "40000\t50000\n").has_value());
  archive::JournalEntry entry;
  entry.source = "proc_list";
  entry.count = 2;
  writer.journal(entry);
  entry = {};
  entry.source = "proc_pid_fd";
  entry.outcome = base::OutcomeKind::denied;
  entry.errno_number = 13;
  entry.pid = 42;
  entry.count = 1;
  writer.journal(entry);
  REQUIRE(writer.flush().has_value());
  if (finish) REQUIRE(writer.finish({}).has_value());
  return sink.bytes();
}

struct TempDir {
  TempDir() {
    char name[] = "/tmp/ssnap-replay-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { fs::remove_all(path); }
  void file(const std::string& name, std::string_view text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
  }
  fs::path path;
};

base::Result<model::Snapshot> replay_path(const fs::path& path, const reconstruct::Options& options) {
  const auto input = archive::open_input(path.string());
  REQUIRE(input.has_value());
  return pipeline::replay(*input, options);
}

}  // namespace

TEST_CASE("an archive becomes a snapshot: sockets, owners, users, gaps") {
  const auto snapshot = pipeline::replay_bytes(make_archive(true), {});
  REQUIRE(snapshot.has_value());
  CHECK(snapshot->host.nodename == "demo");
  CHECK_FALSE(snapshot->capture.incomplete);
  CHECK(snapshot->capture.status == "complete");
  CHECK(snapshot->capture.inner_pid_namespace);
  CHECK(snapshot->capture.processes_found == 2);
  CHECK(snapshot->capture.processes_read == 0);
  REQUIRE(snapshot->sockets.size() == 1);
  const auto& socket = snapshot->sockets[0];
  CHECK(socket.local.address.to_string() == "127.0.0.1");
  CHECK(socket.local.port == 8080);
  CHECK(socket.uid == 7);
  CHECK(snapshot->users.at(7) == "demo");
  REQUIRE(snapshot->services.size() == 1);
  CHECK(snapshot->services[0].aliases.at(0) == "www");
  const auto& ports = snapshot->namespaces.at(socket.netns).local_ports;
  REQUIRE(ports);
  CHECK(ports->first == 40000);
  CHECK(ports->last == 50000);
  REQUIRE(socket.owners.size() == 1);
  CHECK(snapshot->processes[socket.owners[0].process].comm == "demo");
  CHECK(snapshot->processes[0].start_realtime_nsec == 2'500'000'000);
  CHECK(snapshot->members.at(socket.sightings[0].member) == "netns/77/proc/net/tcp");
  CHECK(socket.sightings[0].offset == std::string_view(kTcp).find("   0:"));
  REQUIRE(snapshot->gaps.size() == 1);
  CHECK(snapshot->gaps[0].kind == base::OutcomeKind::denied);
}

TEST_CASE("a cut archive replays what is whole and says so; before capture.json there is no snapshot") {
  const std::string whole = make_archive(true);
  std::size_t without = 0, with = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto snapshot = pipeline::replay_bytes(std::string_view(whole).substr(0, length), {});
    if (snapshot.has_error()) {
      CHECK(with == 0);
      CHECK(snapshot.error().message.find("no snapshot") != std::string::npos);
      ++without;
    } else {
      CHECK(snapshot->capture.incomplete);
      CHECK(snapshot->host.nodename == "demo");
      ++with;
    }
  }
  CHECK(without > 0);
  CHECK(with > 0);
}

TEST_CASE("an unpacked archive and a plain copy of /proc replay alike") {
  TempDir dir;
  dir.file("net/tcp", kTcp);
  dir.file("42/stat", kStat);
  fs::create_directories(dir.path / "42/fd");
  fs::create_symlink("socket:[1596]", dir.path / "42/fd/3");
  fs::create_symlink("/usr/bin/demo", dir.path / "42/exe");
  dir.file("stat", "cpu 1\nbtime 1000\n");
  dir.file("sys/kernel/hostname", "demo\n");
  const auto plain = replay_path(dir.path, {});
  REQUIRE(plain.has_value());
  CHECK(plain->capture.status == "directory");
  CHECK_FALSE(plain->capture.incomplete);
  CHECK(plain->host.nodename == "demo");
  REQUIRE(plain->sockets.size() == 1);
  REQUIRE(plain->sockets[0].owners.size() == 1);
  CHECK(plain->processes[0].exe == "/usr/bin/demo");
  CHECK(plain->processes[0].start_realtime_nsec == 1'001'500'000'000);

  TempDir below;
  fs::rename(dir.path, below.path / "proc");
  const auto rooted = replay_path(below.path, {});
  REQUIRE(rooted.has_value());
  CHECK(rooted->sockets.size() == 1);
  CHECK(rooted->sockets[0].owners.size() == 1);
}

TEST_CASE("threads, rings, mappings and a pid that was used again have members of their own") {
  pipeline::Replay replay;
  const auto add = [&](const char* name, std::string_view bytes) {
    REQUIRE(pipeline::is_wanted(name));
    archive::Member member;
    member.bytes = bytes;
    pipeline::add_member(replay, name, member);
  };
  constexpr std::string_view kFds("3 - socket:[1596]\0", 18), kLater("4 - socket:[1597]\0", 18);
  add("proc/42/stat", kStat);
  add("proc/42/fds", kFds);
  add("proc/42/pass2/fds", kLater);
  add("proc/42/task/43/fds", kFds);
  add("proc/42/task/43/pass2/fds", kLater);
  add("proc/42/task/43/stat", kStat);
  add("proc/42/task/43/status", "Name:\tx\n");
  add("proc/42/task/43/cgroup", "0::/a\n");
  add("proc/42/task/43/cmdline", std::string_view("x\0", 2));
  add("proc/42/task/43/links", std::string_view("ns/net - net:[77]\0exe - /x\0", 27));
  add("proc/42/fdinfo/5", "SqMask:\t0\nUserFiles:\t1\n    0: socket:[1598]\n");
  add("proc/42/task/43/fdinfo/6", "scm_fds: 2\n");
  add("proc/42/maps", "0-1 rw-s 0 0:9 1599 socket:[1599]\n");
  add("proc/42/loginuid", "1000");
  add("proc/42/sessionid", "7");
  add("proc/42/attr/current", "demo\n");
  add("proc/42/reused/stat", kStat);
  add("proc/42/reused/fds", kFds);
  add("proc/42/reused/task/44/fds", kFds);
  CHECK(replay.records.problems.empty());
  REQUIRE(replay.records.processes.size() == 2);
  const auto& process = replay.records.processes.at(42);
  using reconstruct::HeldSocket;
  CHECK(process.sockets == std::vector<HeldSocket>{{1596, 3, 1, 0}, {1597, 4, 2, 0}, {1596, 3, 1, 43}, {1597, 4, 2, 43}});
  CHECK(process.own_tables == std::set<std::int64_t>{43});
  REQUIRE(process.threads.size() == 1);
  const auto& thread = process.threads.at(43);
  CHECK(thread.stat);
  CHECK(thread.status);
  CHECK(thread.cgroup == "/a");
  CHECK(thread.cmdline->size() == 1);
  CHECK(thread.exe == "/x");
  CHECK(thread.namespaces.at("net") == 77);
  REQUIRE(process.rings.size() == 1);
  CHECK(process.rings[0].fd == 5);
  CHECK(process.rings[0].info.registered.at(0).inode == 1598u);
  REQUIRE(process.receivers.size() == 1);
  CHECK(process.receivers[0].tid == 43);
  CHECK(process.mapped_inodes == std::vector<std::uint64_t>{1599});
  CHECK(process.login_uid == 1000u);
  CHECK(process.audit_session == 7u);
  CHECK(process.security_label == "demo");
  const auto& again = replay.records.processes.at({42, true});
  CHECK(again.stat);
  CHECK(again.sockets == std::vector<HeldSocket>{{1596, 3, 1, 0}, {1596, 3, 1, 44}});

  add("proc/42/loginuid", "x");
  REQUIRE(replay.records.problems.size() == 1);
  CHECK(replay.records.problems[0].member == "proc/42/loginuid");
}

TEST_CASE("a plain copy of /proc: tables of threads that share their process's are one, another is a thread's own") {
  TempDir dir;
  dir.file("net/tcp", kTcp);
  dir.file("42/stat", kStat);
  for (const char* folder : {"42/fd", "42/task/42/fd", "42/task/43/fd", "42/task/44/fd"}) fs::create_directories(dir.path / folder);
  for (const char* link : {"42/fd/3", "42/task/42/fd/3", "42/task/43/fd/3", "42/task/44/fd/7"})
    fs::create_symlink("socket:[1596]", dir.path / link);
  fs::create_symlink("anon_inode:[io_uring]", dir.path / "42/fd/4");
  dir.file("42/fdinfo/4", "SqMask:\t0\nUserFiles:\t1\n    0: socket:[1596]\n");
  dir.file("42/fdinfo/3", "pos:\t0\n");
  const auto snapshot = replay_path(dir.path, {});
  REQUIRE(snapshot.has_value());
  const auto& owners = snapshot->sockets.at(0).owners;
  REQUIRE(owners.size() == 3);
  CHECK_FALSE(owners[0].tid);
  CHECK(owners[1].via == model::Via::io_uring);
  CHECK(owners[2].tid == 44);
  CHECK(owners[2].fds == std::vector<std::uint32_t>{7});
}

TEST_CASE("beside capture.json, what extract made of other members is passed over") {
  pipeline::Replay replay, copy;
  const auto add = [&](pipeline::Replay& into, std::string_view name, std::string_view bytes, archive::MemberType type = archive::MemberType::file) {
    pipeline::add_member(into, name, {name, type, bytes, false, 0});
  };
  archive::CaptureInfo info;
  info.collector.namespaces["net"] = 77;
  add(replay, "capture.json", archive::to_json(info));
  for (pipeline::Replay* into : {&replay, &copy}) {
    add(*into, "netns/77/proc/net/tcp", kTcp);
    add(*into, "proc/net/tcp", kTcp);
    add(*into, "proc/42/fd/3", "socket:[1596]", archive::MemberType::symlink);
    add(*into, "proc/42/fds", {"3 - socket:[1596]\0", 18});
  }
  CHECK(replay.records.proc_net_inet.size() == 1);
  CHECK(replay.records.processes.at(42).fd_count == 1);
  CHECK(copy.records.proc_net_inet.size() == 2);
  CHECK(copy.records.processes.at(42).fd_count == 2);
}

TEST_CASE("tables that are not about sockets are kept where asked for, by namespace") {
  TempDir dir;
  dir.file("net/route", "Iface\nlo 0000007F 00000000 0001 0 0 0 000000FF 0 0 0\n");
  dir.file("net/ipv6_route", "");
  dir.file("self/net/route", "Iface\n");  // the same table again: the first one counts
  dir.file("net/dev", "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  dir.file("net/igmp", "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n");
  dir.file("net/igmp6", "1 lo ff020000000000000000000000000001 1 0 0\n");
  dir.file("net/snmp", "Ip: a\nIp: 1\n");
  dir.file("net/netstat", "IpExt: b\nIpExt: x\n");
  dir.file("net/snmp6", "Ip6InReceives 5\n");
  dir.file("net/sctp/snmp", "SctpCurrEstab 2\n");
  dir.file("net/sctp/eps", " ENDPT\na b 2 10 29 5000 0 1 10.0.0.1\n");
  reconstruct::Options options;
  CHECK(replay_path(dir.path, options)->net_tables.empty());
  options.keep_net_tables = true;
  const auto snapshot = replay_path(dir.path, options);
  REQUIRE(snapshot.has_value());
  const model::NetTables& tables = snapshot->net_tables.at(0);
  REQUIRE(tables.routes);
  CHECK(tables.routes->at(0).destination.to_string() == "127.0.0.0");
  REQUIRE(tables.routes6);
  CHECK(tables.routes6->empty());
  CHECK(tables.counters->at(0).tx_fifo == 13);
  CHECK(tables.counters->at(0).rx_packets == 2);
  CHECK(tables.groups->at(0).group.to_string() == "224.0.0.1");
  CHECK(tables.groups6->at(0).interface == "lo");
  CHECK(tables.snmp->at(0).values.at(0).second == 1);
  CHECK(tables.netstat->at(0).values.empty());
  CHECK(tables.snmp6->at(0).values.at(0).first == "Ip6InReceives");
  CHECK(tables.sctp_snmp->at(0).values.size() == 1);
  CHECK(tables.sctp_endpoints->at(0).local_port == 5000);
  CHECK_FALSE(tables.sctp_associations);
  REQUIRE(snapshot->problems.size() == 1);
  CHECK(snapshot->problems[0].member == "proc/net/netstat");
}

TEST_CASE("what is no snapshot is told what it is") {
  CHECK(pipeline::replay_bytes("", {}).error().message.find("empty") != std::string::npos);
  CHECK(pipeline::replay_bytes("PK\3\4", {}).error().message.find("no ssnap archive") != std::string::npos);
  TempDir empty;
  CHECK(replay_path(empty.path, {}).error().message.find("no snapshot") != std::string::npos);
  CHECK(archive::open_input(empty.path / "nothing").has_error());
}

TEST_CASE("clocks whose difference no 64 bits hold tell no boot time") {
  pipeline::Replay replay;
  archive::CaptureInfo info;
  info.clocks.realtime_nsec = INT64_MIN;
  info.clocks.boottime_nsec = INT64_MAX;
  const std::string text = archive::to_json(info);
  archive::Member member;
  member.bytes = text;
  pipeline::add_member(replay, "capture.json", member);
  CHECK(replay.has_capture_info);
  CHECK_FALSE(replay.records.boot_realtime_nsec);
  pipeline::Replay plain;
  member.bytes = "btime 9223372036854775807\n";
  pipeline::add_member(plain, "proc/stat", member);
  CHECK_FALSE(plain.records.boot_realtime_nsec);
}

TEST_CASE("hostile names of members lead nowhere") {
  pipeline::Replay replay;
  for (const char* name : {"", "/", "proc", "proc/", "proc//stat", "proc/x/stat", "proc/-1/stat", "proc/99999999999999999999/fds",
                           "proc/42/task/x/stat", "proc/42/task/-1/fds", "proc/42/task/43/folder/fds", "proc/42/fdinfo/x",
                           "proc/42/fdinfo/4294967296", "proc/42/reused/reused/stat", "proc/42/reused/", "proc/x/reused/stat", "netns//proc/net/tcp", "netns/x/netlink/passX/unix_diag.pcap", "journal/", "etc/passwd/x"}) {
    archive::Member member;
    member.name = name;
    member.bytes = "x";
    pipeline::add_member(replay, name, member);
  }
  CHECK(replay.records.processes.empty());
}
