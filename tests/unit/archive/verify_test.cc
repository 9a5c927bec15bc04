// verify: what is whole is intact, a cut is a cut, and whatever was changed is named.
#include <zstd.h>

#include "archive/manifest.h"
#include "archive/seal.h"
#include "archive/verify.h"
#include "archive/zstd_frame.h"
#include "base/sha256.h"
#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;

namespace {

std::vector<std::string> frames_of(std::string_view file) {
  std::vector<std::string> frames;
  std::uint64_t steps = 0;
  while (frame_kind(file) == FrameKind::zstd) {
    const auto extent = frame_extent(file, steps);
    if (!extent) break;
    frames.emplace_back(file.substr(0, *extent));
    file.remove_prefix(*extent);
  }
  return frames;
}

// Frames with a seal that fits them: what somebody makes who alters an archive and seals it anew.
std::string sealed(const std::vector<std::string>& frames) {
  std::string file;
  for (const auto& frame : frames) file += frame;
  return file + to_frame({file.size(), base::sha256_hex(file)});
}

bool names(const VerifyReport& report, std::string_view member, std::string_view part) {
  for (const auto& finding : report.findings)
    if (finding.verdict == Verdict::altered && finding.member == member && finding.message.find(part) != std::string::npos) return true;
  return false;
}

// A capture in which the end tells the truth.
std::string true_archive(std::size_t large_bytes) {
  MemorySink sink;
  Writer writer(sink, {1, 1'795'290'127, {}});
  REQUIRE(writer.add_now("README.txt", "about\n").has_value());
  REQUIRE(writer.add_now("capture.json", to_json(sample_capture_info())).has_value());
  const auto add = [&](const char* name, const std::string& bytes) {
    REQUIRE(writer.add(name, bytes).has_value());
    JournalEntry entry;
    entry.source = "proc_pid";
    entry.member = name;
    entry.bytes = bytes.size();
    writer.journal(entry);
  };
  add("proc/1/stat", "1 (init) S 0\n");
  add("proc/1/fds", noise(large_bytes, 1));
  REQUIRE(writer.flush().has_value());
  add("proc/2/stat", "2 (sh) S 1\n");
  REQUIRE(writer.flush().has_value());
  add("proc/3/stat", "3 (sh) S 1\n");
  EndInfo end;
  end.clocks = sample_end_info().clocks;
  REQUIRE(writer.finish(end).has_value());
  return sink.bytes();
}

}  // namespace

TEST_CASE("a whole archive is intact") {
  const auto report = verify_archive(true_archive(500));
  CHECK(report.findings.empty());
  CHECK(report.verdict() == Verdict::intact);
  CHECK(report.sealed);
  CHECK(report.manifest_lines + 1 == report.members);
  CHECK(report.journal_parts == 3);
  CHECK(report.chained_bytes > 0);
  CHECK(report.end.has_value());
}

TEST_CASE("cut anywhere it is incomplete, not altered, and the chain says how far it is good") {
  const std::string file = true_archive(200);
  std::uint64_t chained = 0;
  for (std::size_t length = 1; length < file.size(); ++length) {
    const auto report = verify_archive(std::string_view(file).substr(0, length));
    if (report.verdict() != Verdict::incomplete || report.chained_bytes < chained || report.chained_bytes > length)
      FAIL("at length " << length << ": " << (report.findings.empty() ? "" : report.findings[0].message));
    chained = report.chained_bytes;
  }
  CHECK(chained > file.size() / 2);
}

TEST_CASE("no flipped bit passes for intact") {
  const std::string file = true_archive(64);
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    if (verify_archive(flipped).verdict() == Verdict::intact) FAIL("bit " << bit);
  }
}

TEST_CASE("whoever seals an altered archive anew is found by the chain and the manifest") {
  // README, capture.json, batch, journal, batch, journal, batch, journal, end.json, manifest.
  const auto frames = frames_of(true_archive(64));
  REQUIRE(frames.size() == 10);
  SECTION("a batch was removed") {
    auto fewer = frames;
    fewer.erase(fewer.begin() + 4);
    const auto report = verify_archive(sealed(fewer));
    CHECK(report.verdict() == Verdict::altered);
    CHECK(names(report, "journal/0001.jsonl", "removed, added or moved"));
    CHECK(names(report, "proc/2/stat", "removed"));
    CHECK(names(report, "proc/2/stat", "the journal says that it was read"));
  }
  SECTION("a batch and its journal part were removed") {
    auto fewer = frames;
    fewer.erase(fewer.begin() + 4, fewer.begin() + 6);
    const auto report = verify_archive(sealed(fewer));
    CHECK(names(report, "journal/0002.jsonl", "part 2 where part 1 was expected"));
  }
  SECTION("a batch was altered, its size kept") {
    auto altered = frames;
    altered[4] = zstd_frame(tar_member("proc/2/stat", "2 (sx) S 1\n"));
    const auto report = verify_archive(sealed(altered));
    CHECK(report.verdict() == Verdict::altered);
    CHECK(names(report, "proc/2/stat", "the manifest says"));
    CHECK_FALSE(names(report, "proc/1/stat", ""));
    CHECK_FALSE(names(report, "proc/3/stat", ""));
  }
  SECTION("a byte of a batch was altered, and the batch packed as before: the chain names what it held") {
    std::string tar(8192, '\0');
    const std::size_t size = ZSTD_decompress(tar.data(), tar.size(), frames[4].data(), frames[4].size());
    REQUIRE_FALSE(ZSTD_isError(size));
    tar.resize(size);
    const std::size_t at = tar.find("(sh)") + 1;
    auto altered = frames;
    // Another letter that packs into as many bytes, so that no later frame moves.
    for (char letter = 'a'; letter <= 'z' && altered[4] == frames[4]; ++letter) {
      tar[at] = letter;
      const std::string packed = FrameCompressor(1).compress(tar);
      if (letter != 's' && packed.size() == frames[4].size()) altered[4] = packed;
    }
    REQUIRE(altered[4] != frames[4]);
    const auto report = verify_archive(sealed(altered));
    CHECK(names(report, "journal/0001.jsonl", "are not those that it chains (journal/0000.jsonl to proc/2/stat)"));
    CHECK(names(report, "proc/2/stat", "the manifest says"));
    CHECK_FALSE(names(report, "journal/0002.jsonl", ""));
  }
  SECTION("batches changed places") {
    auto moved = frames;
    std::swap(moved[2], moved[6]);
    const auto report = verify_archive(sealed(moved));
    CHECK(report.verdict() == Verdict::altered);
    CHECK(names(report, "journal/0000.jsonl", ""));
  }
  SECTION("a member was added") {
    auto more = frames;
    more.insert(more.begin() + 3, zstd_frame(tar_member("proc/9/stat", "9 (x) S 1\n")));
    CHECK(names(verify_archive(sealed(more)), "proc/9/stat", "it was added"));
  }
  SECTION("the manifest was left out") {
    auto without = frames;
    without.back() = zstd_frame(std::string(1024, '\0'));
    const auto report = verify_archive(sealed(without));
    CHECK(names(report, std::string(kManifestName), "missing"));
  }
  SECTION("a frame of the same content, packed otherwise") {
    auto other = frames;
    other[4] = FrameCompressor(19).compress(tar_member("proc/2/stat", "2 (sh) S 1\n"));
    if (other[4] != frames[4]) CHECK(verify_archive(sealed(other)).verdict() == Verdict::altered);
  }
}

TEST_CASE("what happened to an archive is said, and where") {
  const std::string file = true_archive(64);
  const auto frames = frames_of(file);
  const std::size_t seal = *find_seal(file);
  const auto says = [](const VerifyReport& report, Verdict verdict, std::string_view member, std::string_view message) {
    for (const auto& finding : report.findings)
      if (finding.verdict == verdict && finding.member == member && finding.message == message) return true;
    return false;
  };
  SECTION("a byte was appended") {
    const auto report = verify_archive(file + "x");
    CHECK(says(report, Verdict::altered, "", "bytes after the seal"));
    CHECK(report.findings[0].offset == seal);
  }
  SECTION("the seal was removed") {
    const auto report = verify_archive(std::string_view(file).substr(0, seal));
    CHECK(report.verdict() == Verdict::incomplete);
    CHECK(says(report, Verdict::incomplete, "", "the archive has no seal at its end: it was cut there, or repacked"));
    CHECK(report.findings[0].offset == seal);
  }
  SECTION("the seal was replaced by another's") {
    const auto report = verify_archive(file.substr(0, seal) + to_frame({seal, std::string(64, '0')}));
    CHECK(says(report, Verdict::altered, "", "the seal's SHA-256 is not that of the bytes before it: something was altered"));
  }
  SECTION("the end was cut off within a frame") {
    const auto report = verify_archive(std::string_view(file).substr(0, seal - 5));
    CHECK(report.verdict() == Verdict::incomplete);
    CHECK(says(report, Verdict::incomplete, "", "the archive is cut: it ends inside a frame"));
  }
  SECTION("a journal part was altered: the manifest, and the part after it, have another") {
    auto altered = frames;
    std::string part(8192, '\0');
    part.resize(ZSTD_decompress(part.data(), part.size(), frames[3].data(), frames[3].size()));
    const std::size_t at = part.find("proc_pid");
    REQUIRE(at != std::string::npos);
    part[at] = 'q';
    altered[3] = zstd_frame(part);
    const auto report = verify_archive(sealed(altered));
    CHECK(names(report, "journal/0000.jsonl", "the manifest says"));
    CHECK(names(report, "journal/0001.jsonl", ""));
    CHECK_FALSE(names(report, "proc/1/stat", ""));
  }
  SECTION("a journal part was removed") {
    auto fewer = frames;
    fewer.erase(fewer.begin() + 5);
    const auto report = verify_archive(sealed(fewer));
    CHECK(says(report, Verdict::altered, "journal/0001.jsonl", "the manifest has it, it isn't there: it was removed, or lost to damage"));
    CHECK(says(report, Verdict::altered, "journal/0002.jsonl",
               "it is part 2 where part 1 was expected: parts are missing or were moved"));
  }
  SECTION("a line of the manifest was changed") {
    auto changed = frames;
    std::string manifest(8192, '\0');
    manifest.resize(ZSTD_decompress(manifest.data(), manifest.size(), frames[9].data(), frames[9].size()));
    const std::size_t at = manifest.find("  proc/2/stat") - 1;
    const std::string was = manifest.substr(at - 63, 64);
    manifest[at] = manifest[at] == '0' ? '1' : '0';
    changed[9] = zstd_frame(manifest);
    CHECK(says(verify_archive(sealed(changed)), Verdict::altered, "proc/2/stat",
               "its SHA-256 is " + was + ", the manifest says " + manifest.substr(at - 63, 64)));
    manifest[at] = 'x';
    changed[9] = zstd_frame(manifest);
    const auto report = verify_archive(sealed(changed));
    CHECK(names(report, std::string(kManifestName), "not a manifest line"));
    CHECK(says(report, Verdict::altered, "proc/2/stat", "the manifest doesn't have it: it was added, or renamed"));
  }
  SECTION("findings have the offset of the frame that the member is in") {
    auto altered = frames;
    altered[4] = zstd_frame(tar_member("proc/2/stat", "2 (sx) S 1\n"));
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i < 4; ++i) offset += frames[i].size();
    for (const auto& finding : verify_archive(sealed(altered)).findings)
      if (finding.member == "proc/2/stat") CHECK(finding.offset == offset);
  }
}

TEST_CASE("large members that changed places are told by name") {
  MemorySink sink;
  Writer writer(sink, {});
  REQUIRE(writer.add_now("README.txt", "about\n").has_value());
  REQUIRE(writer.add_now("capture.json", to_json(sample_capture_info())).has_value());
  for (const char* name : {"netns/1/netlink/pass1/unix_diag.pcap", "netns/2/netlink/pass1/unix_diag.pcap"}) {
    MemberCompressor compressor(1);
    compressor.append(noise(1000, static_cast<std::uint32_t>(name[6])));
    REQUIRE(writer.add(compressor.finish(name)).has_value());
  }
  REQUIRE(writer.finish({}).has_value());
  const auto frames = frames_of(sink.bytes());
  // README.txt, capture.json, header and content of the one, a journal part, header and content of the other, ...
  const auto content_frames = [&] {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < frames.size(); ++i)
      if (!states_content_size(frames[i])) found.push_back(i);
    return found;
  }();
  REQUIRE(content_frames.size() == 2);
  SECTION("their contents") {
    auto swapped = frames;
    std::swap(swapped[content_frames[0]], swapped[content_frames[1]]);
    const auto report = verify_archive(sealed(swapped));
    CHECK(names(report, "netns/1/netlink/pass1/unix_diag.pcap", "the manifest says"));
    CHECK(names(report, "netns/2/netlink/pass1/unix_diag.pcap", "the manifest says"));
  }
  SECTION("with their headers") {
    auto swapped = frames;
    std::swap(swapped[content_frames[0] - 1], swapped[content_frames[1] - 1]);
    std::swap(swapped[content_frames[0]], swapped[content_frames[1]]);
    const auto report = verify_archive(sealed(swapped));
    CHECK(report.verdict() == Verdict::altered);
    CHECK(names(report, "netns/1/netlink/pass1/unix_diag.pcap", "not in the order of the manifest: it was moved"));
  }
}

TEST_CASE("an end that counts wrongly is told") {
  auto frames = frames_of(true_archive(64));
  EndInfo end = sample_end_info();
  end.members = 3;
  frames[8] = zstd_frame(tar_member("end.json", to_json(end)));
  const auto report = verify_archive(sealed(frames));
  CHECK(report.verdict() == Verdict::altered);
  CHECK(names(report, "end.json", "it counts 3 members"));
}

TEST_CASE("a tar that was packed anew is incomplete: the members are right, the frames are not the capture's") {
  std::string tar;
  for (const auto& member : read_all(true_archive(64)).members) tar += tar_member(member.name, member.bytes);
  tar.append(1024, '\0');
  const auto report = verify_archive(zstd_frame(tar));
  CHECK(report.verdict() == Verdict::incomplete);
  CHECK(report.manifest_lines + 1 == report.members);
}

TEST_CASE("many findings are counted, not all kept") {
  std::string tar;
  for (std::size_t i = 0; i < kMaxFindings + 10; ++i) tar += tar_member("x" + std::to_string(i), "");
  tar += tar_member(kManifestName, "");
  const auto report = verify_archive(zstd_frame(tar + std::string(1024, '\0')));
  CHECK(report.findings.size() == kMaxFindings);
  CHECK(report.finding_count >= kMaxFindings + 10);
}
