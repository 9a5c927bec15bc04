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
  REQUIRE(socket.owners.size() == 1);
  CHECK(snapshot->processes[socket.owners[0].process].comm == "demo");
  CHECK(snapshot->processes[0].start_realtime_nsec == 2'500'000'000);
  CHECK(snapshot->members.at(socket.sightings.at(0).member) == "netns/77/proc/net/tcp");
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
  const auto plain = pipeline::replay(dir.path, {});
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
  const auto rooted = pipeline::replay(below.path, {});
  REQUIRE(rooted.has_value());
  CHECK(rooted->sockets.size() == 1);
  CHECK(rooted->sockets[0].owners.size() == 1);
}

TEST_CASE("what is no snapshot is told what it is") {
  CHECK(pipeline::replay_bytes("", {}).error().message.find("empty") != std::string::npos);
  CHECK(pipeline::replay_bytes("PK\3\4", {}).error().message.find("no ssnap archive") != std::string::npos);
  TempDir empty;
  CHECK(pipeline::replay(empty.path, {}).error().message.find("no snapshot") != std::string::npos);
  CHECK(pipeline::replay(empty.path / "nothing", {}).has_error());
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
                           "netns//proc/net/tcp", "netns/x/netlink/passX/unix_diag.pcap", "journal/", "etc/passwd/x"}) {
    archive::Member member;
    member.name = name;
    member.bytes = "x";
    pipeline::add_member(replay, name, member);
  }
  CHECK(replay.records.processes.empty());
}
