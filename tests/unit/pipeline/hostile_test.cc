// Damaged, altered and overfull archives, replayed: whatever is in them, there is an answer that doesn't pass for whole.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "archive/sink.h"
#include "archive/verify.h"
#include "archive/writer.h"
#include "pipeline/replay.h"
#include "support/catch.h"

using namespace ssnap;

namespace {

constexpr const char* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     7        0 1596 1 0 100 0 0 10 0\n";
constexpr const char* kUnix =
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "00000000f2f2b8c6: 00000002 00000000 00010000 0001 01  1597 /run/demo.sock\n";
constexpr const char* kStat =
    "42 (demo) S 1 42 42 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 150 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

std::string capture_json() {
  archive::CaptureInfo info;
  info.tool.name = "ssnap";
  info.host.nodename = "demo";
  info.collector.namespaces["net"] = 77;
  info.clocks.realtime_nsec = 2'000'000'000;
  info.clocks.boottime_nsec = 1'000'000'000;
  return archive::to_json(info);
}

archive::JournalEntry read_entry(const std::string& member, const std::string& bytes) {
  archive::JournalEntry entry;
  entry.source = "proc_net";
  entry.member = member;
  entry.bytes = bytes.size();
  return entry;
}

// Every kind of frame: two at once, batches with their journal parts, a large member, the end, the manifest, the seal.
std::string small_archive() {
  archive::MemorySink sink;
  archive::Writer writer(sink, {});
  REQUIRE(writer.add_now("README.txt", "hello").has_value());
  REQUIRE(writer.add_now("capture.json", capture_json()).has_value());
  REQUIRE(writer.add("netns/77/proc/net/tcp", kTcp).has_value());
  writer.journal(read_entry("netns/77/proc/net/tcp", kTcp));
  archive::MemberCompressor large(1);
  large.append(kUnix);
  REQUIRE(writer.add(large.finish("netns/77/proc/net/unix")).has_value());
  writer.journal(read_entry("netns/77/proc/net/unix", kUnix));
  REQUIRE(writer.add("proc/42/stat", kStat).has_value());
  REQUIRE(writer.add("proc/42/fds", std::string("3 - socket:[1596]\0" "4 !13 \0", 25)).has_value());
  archive::EndInfo end;
  end.clocks = {3'000'000'000, 2'000'000'000, 2'000'000'000};
  REQUIRE(writer.finish(end).has_value());
  return sink.bytes();
}

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  REQUIRE_FALSE(bytes.empty());
  return bytes;
}

std::string with_bit_flipped(std::string bytes, std::size_t bit) {
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
  return bytes;
}

// An error, or a snapshot that says that it is not whole.
bool is_told(std::string_view bytes) {
  const auto snapshot = pipeline::replay_bytes(bytes, {});
  return snapshot.has_error() ? !snapshot.error().message.empty() : snapshot->capture.incomplete;
}

// An archive with these members in front of its end.
std::string archive_with(const std::vector<std::pair<std::string, std::string>>& members, int gaps = 0) {
  archive::MemorySink sink;
  archive::Writer writer(sink, {});
  REQUIRE(writer.add_now("README.txt", "hello").has_value());
  REQUIRE(writer.add_now("capture.json", capture_json()).has_value());
  for (const auto& [name, bytes] : members) REQUIRE(writer.add(name, bytes).has_value());
  archive::JournalEntry gap;
  gap.source = "proc_pid";
  gap.outcome = base::OutcomeKind::denied;
  for (int i = 0; i < gaps; ++i) writer.journal(gap);
  REQUIRE(writer.finish({}).has_value());
  return sink.bytes();
}

std::string problem_with(const model::Snapshot& snapshot, std::string_view part) {
  for (const auto& problem : snapshot.problems)
    if (problem.message.find(part) != std::string::npos) return problem.message;
  return "";
}

}  // namespace

TEST_CASE("a small archive with each of its bits flipped: verify detects it, and analyze survives and tells") {
  const std::string whole = small_archive();
  REQUIRE(archive::verify_archive(whole).verdict() == archive::Verdict::intact);
  REQUIRE_FALSE(is_told(whole));
  std::size_t undetected = 0, untold = 0;
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    const std::string flipped = with_bit_flipped(whole, bit);
    if (archive::verify_archive(flipped).verdict() == archive::Verdict::intact) ++undetected;
    if (!is_told(flipped)) ++untold;
  }
  CHECK(undetected == 0);
  CHECK(untold == 0);
}

TEST_CASE("a small archive cut at every byte: verify says that it is cut, not that it was altered, and analyze tells") {
  const std::string whole = small_archive();
  std::size_t wrong = 0, untold = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string_view cut = std::string_view(whole).substr(0, length);
    if (length > 0 && archive::verify_archive(cut).verdict() != archive::Verdict::incomplete) ++wrong;
    if (!is_told(cut)) ++untold;
  }
  CHECK(wrong == 0);
  CHECK(untold == 0);
}

// SSNAP_EVERY_BIT=1 flips every bit of the real captures; that takes an hour. Else one bit of every 48th byte.
TEST_CASE("real captures with bits flipped") {
  const bool every_bit = std::getenv("SSNAP_EVERY_BIT") != nullptr;
  for (const char* name : {"/demo.tar.zst", "/demo-cut.tar.zst"}) {
    CAPTURE(name);
    const std::string whole = file_bytes(std::string(SSNAP_FIXTURES) + name);
    std::size_t undetected = 0, untold = 0;
    for (std::size_t bit = 0; bit < whole.size() * 8; bit += every_bit ? 1 : 48 * 8 + 1) {
      const std::string flipped = with_bit_flipped(whole, bit);
      if (archive::verify_archive(flipped).verdict() == archive::Verdict::intact) ++undetected;
      if (!is_told(flipped)) ++untold;
    }
    CHECK(undetected == 0);
    CHECK(untold == 0);
  }
}

TEST_CASE("a large capture cut anywhere") {
  // Noise doesn't compress: three megabytes of it, in large members and batches.
  std::uint32_t state = 7;
  const auto random = [&] { return state = state * 1664525 + 1013904223; };
  std::vector<std::pair<std::string, std::string>> members;
  for (int pid = 1; pid <= 300; ++pid) {
    std::string noise;
    while (noise.size() < 10'000) noise += static_cast<char>(random() >> 24);
    members.emplace_back("proc/" + std::to_string(pid) + "/cmdline", noise);
  }
  const std::string whole = archive_with(members);
  REQUIRE(whole.size() > 3'000'000);
  for (int i = 0; i < 60; ++i) {
    const std::size_t length = 1 + static_cast<std::size_t>(random()) % (whole.size() - 1);
    CAPTURE(length);
    const std::string_view cut = std::string_view(whole).substr(0, length);
    CHECK(archive::verify_archive(cut).verdict() == archive::Verdict::incomplete);
    CHECK(is_told(cut));
  }
}

TEST_CASE("what a replay takes of one input has its limits, and what they leave out is counted") {
  std::vector<std::pair<std::string, std::string>> members;
  for (int pid = 1; pid <= 20; ++pid) members.emplace_back("proc/" + std::to_string(pid) + "/cmdline", "x");
  const std::string whole = archive_with(members, 30);
  const auto all = pipeline::replay_bytes(whole, {});
  REQUIRE(all.has_value());
  CHECK(all->processes.size() == 20);
  CHECK(all->gaps.size() == 30);
  CHECK_FALSE(all->capture.incomplete);

  SECTION("bytes, each member counting for some more") {
    pipeline::ReplayLimits limits;
    limits.bytes = 5 * (pipeline::kMemberCostBytes + 1);
    const auto some = pipeline::replay_bytes(whole, {}, limits);
    REQUIRE(some.has_value());
    CHECK(some->processes.size() == 5);
    CHECK(some->capture.incomplete);
    CHECK(some->capture.status == "complete");  // of the capture
    CHECK(problem_with(*some, "members are not read") != "");
  }
  SECTION("by what the archive takes up itself") {
    pipeline::ReplayLimits limits;
    limits.ratio = 0;
    limits.allowance_bytes = 3 * (pipeline::kMemberCostBytes + 1);
    CHECK(pipeline::replay_bytes(whole, {}, limits)->processes.size() == 3);
  }
  SECTION("gaps") {
    pipeline::ReplayLimits limits;
    limits.gaps = 10;
    const auto some = pipeline::replay_bytes(whole, {}, limits);
    CHECK(some->gaps.size() == 10);
    CHECK(problem_with(*some, "20 gaps are left out: there are more than 10") != "");
  }
  SECTION("problems") {
    members.clear();
    for (int pid = 1; pid <= 20; ++pid) members.emplace_back("proc/" + std::to_string(pid) + "/stat", "x");
    pipeline::ReplayLimits limits;
    limits.problems = 10;
    const auto some = pipeline::replay_bytes(archive_with(members), {}, limits);
    CHECK(some->problems.size() == 11);
    CHECK(problem_with(*some, "10 problems are left out: there are more than 10") != "");
  }
}

TEST_CASE("what only the comparison of views reads counts against the limits, and is not read without it") {
  std::vector<std::pair<std::string, std::string>> members;
  for (int round = 1; round <= 20; ++round) members.emplace_back("netns/77/confirm/round" + std::to_string(round) + "/tcp", kTcp);
  const std::string whole = archive_with(members);
  pipeline::ReplayLimits limits;
  limits.bytes = 5 * (pipeline::kMemberCostBytes + std::string_view(kTcp).size());
  reconstruct::Options options;
  CHECK(problem_with(*pipeline::replay_bytes(whole, options, limits), "members are not read") == "");
  options.cross_view = true;
  CHECK(problem_with(*pipeline::replay_bytes(whole, options), "members are not read") == "");
  const auto some = pipeline::replay_bytes(whole, options, limits);
  REQUIRE(some.has_value());
  CHECK(problem_with(*some, "members are not read").starts_with("16 members"));  // the journal, at the end, as well
  CHECK(some->capture.incomplete);
}

TEST_CASE("problems of the container beyond those that are kept are counted") {
  const std::string garbage = "no frame";
  std::string file = small_archive();
  std::string damaged = file;
  for (int i = 0; i < 200; ++i) damaged += garbage + std::string("\x28\xB5\x2F\xFD\x20\x00\x01\x00\x00", 9);
  const auto snapshot = pipeline::replay_bytes(damaged, {});
  REQUIRE(snapshot.has_value());
  CHECK(problem_with(*snapshot, "further problems like these") != "");
}

TEST_CASE("text that is told with each socket is no longer than a kernel makes it") {
  const std::string path(10'000, 'p');
  const auto snapshot = pipeline::replay_bytes(
      archive_with({{"netns/77/proc/net/unix",
                     "Num       RefCount Protocol Flags    Type St Inode Path\n0000: 00000002 00000000 00000000 0001 01 5 /" + path + "\n"},
                    {"proc/1/links", "exe - /" + path + std::string(1, '\0')},
                    {"proc/1/cgroup", "0::/" + path + "\n"},
                    {"proc/1/status", "Name:\t" + path + "\n"},
                    {"proc/2/stat", "2 (" + path + ") S 1 42 42 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 150 0 0\n"},
                    {"etc/passwd", path + ":x:7:7::/:/bin/sh\n"}}),
      {});
  REQUIRE(snapshot.has_value());
  REQUIRE(snapshot->sockets.size() == 1);
  CHECK(snapshot->sockets[0].name->bytes.size() == 256);
  REQUIRE(snapshot->processes.size() == 2);
  CHECK(snapshot->processes[1].comm.size() == 64);
  CHECK(snapshot->processes[0].exe->size() == 4096);
  CHECK(snapshot->processes[0].cgroup->size() == 4096);
  CHECK(snapshot->processes[0].comm.empty());
  CHECK(snapshot->users.at(7).size() == 256);
  CHECK(snapshot->problems.size() == 6);
}
