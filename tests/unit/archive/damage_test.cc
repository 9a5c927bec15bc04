// Cut, flipped and broken archives: whatever is whole is still handed out, and nothing passes for whole that isn't.
#include <set>

#include "archive/seal.h"
#include "archive/tar.h"
#include "archive/zstd_frame.h"
#include "base/sha256.h"
#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;

namespace {

// Where each frame begins, and the end.
std::vector<std::size_t> frame_edges(const std::string& file) {
  std::vector<std::size_t> edges{0};
  std::uint64_t steps = 0;
  while (const auto extent = frame_extent(std::string_view(file).substr(edges.back()), steps))
    edges.push_back(edges.back() + *extent);
  return edges;
}

// The frame in which a member's header is.
std::size_t frame_of(const std::vector<std::size_t>& edges, const ReadResult& whole, std::string_view name) {
  for (std::size_t i = 0; i + 1 < edges.size(); ++i)
    if (edges[i] == whole.find(name)->frame_offset) return i;
  FAIL("no such frame");
  return 0;
}

constexpr const char* kLarge = "netns/1/netlink/pass1/inet_diag-tcp.pcap";

}  // namespace

TEST_CASE("cut at every byte, all frames before the cut are handed out and the cut is told") {
  const std::string file = sample_archive(3000);
  const auto whole = read_all(file);
  REQUIRE(whole.report.sealed);
  const auto edges = frame_edges(file);
  for (std::size_t length = 0; length < file.size(); ++length) {
    CAPTURE(length);
    const auto result = read_all(std::string_view(file).substr(0, length));
    bool good = !result.report.sealed && !result.report.problems.empty() && !result.members.empty();
    if (length < edges[1]) good = !result.report.sealed && !result.report.problems.empty();
    const std::string& last = result.report.problems.kept.back().message;
    good = good && (last.find("cut") != std::string::npos);
    // Members come in order, with exact bytes; only the last may be cut, and then holds a beginning.
    good = good && result.members.size() <= whole.members.size();
    for (std::size_t i = 0; good && i < result.members.size(); ++i) {
      const auto& got = result.members[i];
      const auto& expected = whole.members[i];
      good = got.name == expected.name;
      if (got.cut) good = good && i + 1 == result.members.size() && expected.bytes.starts_with(got.bytes);
      else good = good && got.bytes == expected.bytes;
    }
    // Every member whose frames end before the cut is there, whole.
    for (std::size_t i = 0; good && i < whole.members.size(); ++i) {
      const std::size_t frame = frame_of(edges, whole, whole.members[i].name);
      const std::size_t end = edges[frame + (whole.members[i].name == kLarge ? 2 : 1)];
      if (end <= length) good = result.members.size() > i && !result.members[i].cut;
    }
    if (!good) FAIL("wrong at length " << length);
  }
}

TEST_CASE("a large member that is cut comes with its first blocks") {
  const std::string file = sample_archive(1'000'000);
  const auto whole = read_all(file);
  const auto edges = frame_edges(file);
  const std::size_t header = frame_of(edges, whole, kLarge);
  const auto none = read_all(std::string_view(file).substr(0, edges[header + 1]));
  REQUIRE(none.find(kLarge) != nullptr);
  CHECK(none.find(kLarge)->cut);
  CHECK(none.find(kLarge)->bytes.empty());
  const auto half = read_all(std::string_view(file).substr(0, (edges[header + 1] + edges[header + 2]) / 2));
  REQUIRE(half.find(kLarge) != nullptr);
  CHECK(half.find(kLarge)->cut);
  CHECK(half.find(kLarge)->bytes.size() >= 3 * 128 * 1024);
  CHECK((whole.find(kLarge)->bytes.starts_with(half.find(kLarge)->bytes)));
}

TEST_CASE("no flipped bit goes unseen") {
  const std::string file = sample_archive(600);
  REQUIRE(read_all(file).report.sealed);
  std::size_t unseen = 0, altered_unmarked = 0;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto result = read_all(flipped);
    if (result.report.sealed || result.report.problems.empty()) ++unseen;
    std::set<std::string> names;
    for (const auto& member : result.members)
      if (!names.insert(member.name).second) ++altered_unmarked;
  }
  CHECK(unseen == 0);
  CHECK(altered_unmarked == 0);
}

TEST_CASE("a damaged frame costs only what it holds") {
  const std::string file = sample_archive(3000);
  const auto whole = read_all(file);
  const auto edges = frame_edges(file);
  REQUIRE(edges.size() == 11);
  for (std::size_t frame = 0; frame + 1 < edges.size(); ++frame) {
    // Its magic, its header, the first block's header, its middle, its checksum.
    for (const std::size_t at : {edges[frame], edges[frame] + 4, edges[frame] + 6, edges[frame] + 8,
                                 (edges[frame] + edges[frame + 1]) / 2, edges[frame + 1] - 1}) {
      CAPTURE(frame, at);
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
      const auto result = read_all(damaged);
      CHECK_FALSE(result.report.sealed);
      CHECK_FALSE(result.report.problems.empty());
      for (const auto& member : whole.members) {
        const std::size_t own = frame_of(edges, whole, member.name);
        const bool hit = own == frame || (member.name == kLarge && own + 1 == frame);
        if (hit) continue;
        const auto* kept = result.find(member.name);
        CAPTURE(member.name);
        REQUIRE(kept != nullptr);
        CHECK(kept->bytes == member.bytes);
        CHECK_FALSE(kept->cut);
      }
      CHECK(result.members.size() <= whole.members.size());
    }
  }
}

TEST_CASE("a wrong checksum keeps the members of its frame, a large one as cut") {
  const std::string file = sample_archive(3000);
  const auto whole = read_all(file);
  const auto edges = frame_edges(file);
  const std::size_t header = frame_of(edges, whole, kLarge);
  const auto with_bad_checksum = [&](std::size_t frame) {
    std::string damaged = file;
    damaged[edges[frame + 1] - 1] ^= 1;
    return read_all(damaged);
  };
  const auto batch = with_bad_checksum(frame_of(edges, whole, "proc/stat"));
  CHECK(batch.members.size() == whole.members.size());
  CHECK_FALSE(batch.problem_with("damaged frame").empty());
  const auto content = with_bad_checksum(header + 1);
  CHECK(content.find(kLarge)->cut);
  CHECK((content.find(kLarge)->bytes == whole.find(kLarge)->bytes));
  const auto head = with_bad_checksum(header);
  CHECK((head.find(kLarge)->bytes == whole.find(kLarge)->bytes));
}

TEST_CASE("the content of a large member whose header is lost doesn't pass for members") {
  // What a process shows as its command line may look like a tar.
  MemorySink sink;
  Writer writer(sink, {});
  REQUIRE(writer.add_now("README.txt", "x").has_value());
  MemberCompressor compressor(1);
  compressor.append(tar_member("proc/1/forged", "forged"));
  REQUIRE(writer.add(compressor.finish("proc/7/cmdline")).has_value());
  REQUIRE(writer.finish({}).has_value());
  const std::string file = sink.bytes();
  const auto edges = frame_edges(file);
  REQUIRE(read_all(file).report.sealed);
  for (std::size_t at = edges[1]; at < edges[2]; ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    const auto result = read_all(damaged);
    REQUIRE(result.find("proc/1/forged") == nullptr);
    REQUIRE(result.find("end.json") != nullptr);
  }
}

TEST_CASE("a cut file isn't searched for frames inside what was cut") {
  MemorySink sink;
  Writer writer(sink, {});
  REQUIRE(writer.add_now("README.txt", "x").has_value());
  MemberCompressor compressor(1);
  compressor.append(noise(50'000, 4) + zstd_frame(tar_member("proc/1/forged", "forged")) + noise(200'000, 5));
  REQUIRE(writer.add(compressor.finish("proc/7/cmdline")).has_value());
  const std::string file = sink.bytes();
  for (std::size_t length = file.size() - 1; length > 200; length -= std::min<std::size_t>(length, 9973)) {
    const auto result = read_all(std::string_view(file).substr(0, length));
    REQUIRE(result.find("proc/1/forged") == nullptr);
  }
}

TEST_CASE("what is wrong with a seal is told") {
  const std::string file = sample_archive(0);
  const std::size_t at = *find_seal(file);
  const std::string body = file.substr(0, at);
  const Seal seal = *parse_seal(std::string_view(file).substr(at));
  CHECK(read_all(body + to_frame(seal)).report.sealed);

  const auto result = [&](const std::string& tail) { return read_all(body + tail); };
  CHECK_FALSE(result(to_frame({seal.bytes + 1, seal.sha256})).problem_with("precede it").empty());
  CHECK_FALSE(result(to_frame({seal.bytes, std::string(64, '0')})).problem_with("altered").empty());
  CHECK_FALSE(result(to_frame(seal) + "x").problem_with("bytes after the seal").empty());
  CHECK_FALSE(result(to_frame(seal) + to_frame(seal)).problem_with("bytes after the seal").empty());
  CHECK_FALSE(result("").problem_with("no seal").empty());
  CHECK_FALSE(result(to_frame({seal.bytes, "ABC"})).problem_with("no seal").empty());
  for (const auto& tail : {to_frame({seal.bytes + 1, seal.sha256}), to_frame(seal) + "x", std::string()})
    CHECK_FALSE(result(tail).report.sealed);

  SECTION("one that seals something else than an ended archive is none") {
    const std::string half = body.substr(0, frame_edges(file)[2]);
    const auto early = read_all(half + to_frame({half.size(), base::sha256_hex(half)}));
    CHECK_FALSE(early.report.sealed);
    CHECK_FALSE(early.problem_with("does not follow a manifest").empty());
  }
  SECTION("its form is exact") {
    for (std::size_t i = 0; i < file.size() - at; ++i) {
      CHECK_FALSE(parse_seal(std::string_view(file).substr(at, i)));
    }
    std::string zeros = to_frame({7, seal.sha256});
    zeros.replace(zeros.find("=7"), 2, "=07");
    zeros[4] = static_cast<char>(zeros[4] + 1);
    CHECK_FALSE(parse_seal(zeros));
  }
}
