// What the writer makes, checked by our reader, by the tools that anyone has, and by hand.
#include "archive/writer.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

#include "archive/input.h"
#include "archive/manifest.h"
#include "archive/seal.h"
#include "archive/verify.h"
#include "base/sha256.h"
#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;

namespace {

// A folder of its own that goes away with the test.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "ssnap-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string file_content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Takes so many bytes and then fails as a full disk does.
class FullSink : public Sink {
 public:
  explicit FullSink(std::size_t room) : room_(room) {}
  base::Result<void> write(std::string_view bytes) override {
    if (bytes_.size() + bytes.size() > room_) return base::Error{"disk full", 28};
    bytes_ += bytes;
    return {};
  }
  std::uint64_t taken() const override { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::size_t room_;
  std::string bytes_;
};

// A file on a disk that gets full in the middle of a write, for good or for that write alone (`once`); `tells`: it says
// beforehand what there is no room for.
class DiskSink : public Sink {
 public:
  DiskSink(std::size_t room, bool once, bool tells) : room_(room), once_(once), tells_(tells) {}
  base::Result<void> write(std::string_view bytes) override {
    const std::size_t fits = std::min(bytes.size(), room_ - std::min(room_, bytes_.size()));
    bytes_ += bytes.substr(0, fits);
    if (fits == bytes.size()) return {};
    if (once_) room_ = std::string::npos;
    return base::Error{"disk full", 28};
  }
  std::uint64_t taken() const override { return bytes_.size(); }
  base::Result<void> reserve(std::uint64_t bytes) override {
    if (tells_ && bytes_.size() + bytes > room_) return base::Error{"no room for more", 28};
    return {};
  }
  bool cut_back(std::uint64_t bytes) override {
    bytes_.resize(bytes);
    return true;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::size_t room_;
  bool once_, tells_;
  std::string bytes_;
};

constexpr std::size_t kSampleMembers = 123;

// The first two, 120 small members with their entries, and a large one among them. What finish() says.
base::Result<EndInfo> write_sample(Writer& writer) {
  (void)writer.add_now("README.txt", "how to open this\n");
  (void)writer.add_now("capture.json", to_json(sample_capture_info()));
  JournalEntry entry;
  entry.source = "proc_pid";
  const auto journal = [&](const std::string& name, std::uint64_t bytes) {
    entry.member = name;
    entry.bytes = bytes;
    writer.journal(entry);
  };
  for (int i = 0; i < 120; ++i) {
    const std::string name = "proc/" + std::to_string(i) + "/stat";
    (void)writer.add(name, noise(300, static_cast<std::uint32_t>(i)));
    journal(name, 300);
    if (i % 10 == 9) (void)writer.flush();
    if (i != 60) continue;
    MemberCompressor compressor(1);
    compressor.append(noise(9000, 1));
    (void)writer.add(compressor.finish("large"));
    journal("large", 9000);
  }
  return writer.finish({});
}

std::string whole_sample() {
  MemorySink sink;
  Writer writer(sink, {});
  REQUIRE(write_sample(writer).has_value());
  return sink.bytes();
}

// How many members of the sample are in an archive that must be sealed and of which all is accounted for.
std::size_t check_sealed(const std::string& file, EndStatus status) {
  const auto result = read_all(file);
  CHECK(result.report.sealed);
  CHECK(result.report.problems.empty());
  CHECK(verify_archive(file).verdict() == Verdict::intact);
  const auto end = parse_end_info(result.find("end.json")->bytes);
  CHECK(end->status == status);
  std::uint64_t kept = 0, lost = 0;
  for (const auto& member : result.members) {
    kept += member.name.starts_with("proc/") || member.name == "large" || member.name == "README.txt" || member.name == "capture.json";
    if (!member.name.starts_with("journal/")) continue;
    for (const auto& entry : parse_journal(member.bytes).entries)
      if (entry.source == "writer" && entry.detail.starts_with("members")) lost += *entry.count;
  }
  CHECK(kept + lost == kSampleMembers);
  if (lost > 0) CHECK(end->gaps.at("cut") >= lost);
  return kept;
}

}  // namespace

TEST_CASE("what is written is read back, in order, sealed") {
  const auto result = read_all(sample_archive(300'000));
  for (const auto& problem : result.report.problems.kept) UNSCOPED_INFO(problem.message);
  CHECK(result.report.problems.empty());
  CHECK(result.report.sealed);
  std::vector<std::string> names;
  for (const auto& member : result.members) {
    names.push_back(member.name);
    CHECK_FALSE(member.cut);
  }
  CHECK(names == std::vector<std::string>{"README.txt", "capture.json", "proc/stat", "proc/uptime",
                                          "netns/1/proc/net/tcp", "journal/0000.jsonl",
                                          "netns/1/netlink/pass1/inet_diag-tcp.pcap", "etc/passwd",
                                          "journal/0001.jsonl", "end.json", "manifest-sha256.txt"});
  CHECK(result.find("netns/1/netlink/pass1/inet_diag-tcp.pcap")->bytes == noise(300'000, 1));
  CHECK(result.report.members == 11);
  const auto end = parse_end_info(result.find("end.json")->bytes);
  REQUIRE(end.has_value());
  CHECK(end->members == 9);
}

TEST_CASE("members of every size around blocks and buffers come back") {
  MemorySink sink;
  Writer writer(sink, {});
  std::vector<std::string> contents;
  for (const std::size_t size : {0, 1, 511, 512, 513, 1024, 131071, 131072, 262143, 262144, 524288, 524289, 1'500'000})
    for (const bool large : {false, true}) contents.push_back(noise(size, large ? 7 : 9));
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const std::string name = "m/" + std::to_string(i);
    if (i % 2 == 0) {
      REQUIRE(writer.add(name, contents[i]).has_value());
      continue;
    }
    MemberCompressor compressor(1);
    for (std::size_t at = 0; at < contents[i].size(); at += 100'000)
      compressor.append(std::string_view(contents[i]).substr(at, 100'000));
    REQUIRE(writer.add(compressor.finish(name)).has_value());
  }
  REQUIRE(writer.finish({}).has_value());
  const auto result = read_all(sink.bytes());
  CHECK(result.report.problems.empty());
  CHECK(result.report.sealed);
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const auto* member = result.find("m/" + std::to_string(i));
    REQUIRE(member != nullptr);
    CHECK((member->bytes == contents[i]));
  }
}

TEST_CASE("names of every length that is allowed come back") {
  MemorySink sink;
  Writer writer(sink, {});
  std::vector<std::string> names;
  for (std::size_t length : {1u, 99u, 100u, 101u, 155u, 156u, 255u, 256u, 257u, 300u, 1000u, 4096u}) {
    names.push_back(std::string(length, 'a'));
    std::string deep;
    while (deep.size() + 20 < length) deep += "abcdefghi/";
    names.push_back(deep + std::string(length - deep.size(), 'z'));
    if (names[names.size() - 2].size() == length && deep.empty()) names.back() += "2";
  }
  std::erase_if(names, [](const auto& name) { return name.size() > 4096; });
  for (const auto& name : names) REQUIRE(writer.add(name, name).has_value());
  REQUIRE(writer.finish({}).has_value());
  const auto result = read_all(sink.bytes());
  for (const auto& problem : result.report.problems.kept) UNSCOPED_INFO(problem.message);
  CHECK(result.report.sealed);
  CHECK(result.report.problems.empty());
  for (const auto& name : names) CHECK(result.find(name) != nullptr);
}

TEST_CASE("names that a reader would refuse are refused, and the archive goes on") {
  MemorySink sink;
  Writer writer(sink, {});
  for (const std::string name : {"", "/etc/passwd", "a/../b", "a//b", "a\nb", "a\\b", "./a"}) {
    const auto added = writer.add(name, "x");
    REQUIRE(added.has_error());
    CHECK(added.error().errno_number == EINVAL);
  }
  CHECK(writer.add("good", "x").has_value());
  CHECK(writer.finish({}).has_value());
  CHECK(read_all(sink.bytes()).report.sealed);
}

TEST_CASE("zstd, tar and sha256sum open it") {
  const Scratch scratch;
  const auto archive = scratch.path() / "x.tar.zst";
  {
    const int number = ::open(archive.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    REQUIRE(number >= 0);
    FdSink sink(base::Fd(number), true);
    REQUIRE(sink.write(sample_archive(300'000)).has_value());
    REQUIRE(sink.sync().has_value());
  }
  const std::string shell = "cd '" + scratch.path().string() +
                            "' && zstd -dc x.tar.zst | tar xf - && sha256sum -c --strict --quiet manifest-sha256.txt"
                            " && zstd -tq x.tar.zst && zstd -dc x.tar.zst | tar cf y.tar --files-from /dev/null";
  REQUIRE(std::system(shell.c_str()) == 0);
  CHECK(file_content(scratch.path() / "proc/stat") == "content of proc/stat\n");
  CHECK((file_content(scratch.path() / "netns/1/netlink/pass1/inet_diag-tcp.pcap") == noise(300'000, 1)));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch.path())) files += entry.is_regular_file();
  CHECK(files == 11 + 2);

  SECTION("and what they pack anew is read") {
    const std::string repack = "cd '" + scratch.path().string() + "' && zstd -dc x.tar.zst | zstd -q -o y.tar.zst && " +
                               "tar --zstd -cf z.tar.zst ./README.txt proc netns";
    REQUIRE(std::system(repack.c_str()) == 0);
    const auto whole = read_input(*open_input((scratch.path() / "y.tar.zst").string()));
    REQUIRE(whole.has_value());
    const auto again = read_all(*whole);
    CHECK(again.members.size() == 11);
    CHECK_FALSE(again.report.sealed);
    CHECK(again.report.problems.total == 1);
    const auto gnu = read_all(file_content(scratch.path() / "z.tar.zst"));
    CHECK(gnu.members.size() == 5);
    CHECK(gnu.find("README.txt") != nullptr);
    CHECK(gnu.report.problems.total == 1);
  }
}

TEST_CASE("the chain and the manifest can be recomputed from the file") {
  const std::string file = sample_archive(300'000);
  const auto result = read_all(file);
  std::string previous;
  std::uint64_t begin = 0;
  std::uint32_t part = 0;
  for (const auto& member : result.members) {
    if (!member.name.starts_with("journal/")) continue;
    const auto journal = parse_journal(member.bytes);
    CHECK(journal.problems.empty());
    REQUIRE(journal.link);
    CHECK(journal.link->part == part++);
    CHECK(journal.link->frames_begin == begin);
    CHECK(journal.link->frames_end == member.frame_offset);
    CHECK(journal.link->frames_sha256 ==
          base::sha256_hex(std::string_view(file).substr(begin, member.frame_offset - begin)));
    CHECK(journal.link->previous_part_sha256 == previous);
    begin = member.frame_offset;
    previous = base::sha256_hex(member.bytes);
  }
  CHECK(part == 2);
  const auto manifest = parse_manifest(result.find("manifest-sha256.txt")->bytes);
  CHECK(manifest.problems.empty());
  REQUIRE(manifest.rows.size() == result.members.size() - 1);
  for (std::size_t i = 0; i < manifest.rows.size(); ++i) {
    CHECK(manifest.rows[i].name == result.members[i].name);
    CHECK(manifest.rows[i].sha256 == base::sha256_hex(result.members[i].bytes));
  }
  const auto seal = find_seal(file);
  REQUIRE(seal);
  CHECK(parse_seal(std::string_view(file).substr(*seal))->sha256 ==
        base::sha256_hex(std::string_view(file).substr(0, *seal)));
}

TEST_CASE("batches are written when they are full, each with its journal part") {
  MemorySink sink;
  Writer writer(sink, {});
  const std::string content = noise(100'000, 3);
  JournalEntry denied;
  denied.source = "proc_pid";
  denied.outcome = base::OutcomeKind::denied;
  denied.errno_number = 13;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(writer.add("m/" + std::to_string(i), content).has_value());
    writer.journal(denied);
  }
  denied.count = 7;
  writer.journal(denied);
  CHECK(writer.gaps().at("denied") == 17);
  REQUIRE(writer.flush().has_value());
  const auto written = writer.compressed_bytes();
  REQUIRE(writer.flush().has_value());
  CHECK(writer.compressed_bytes() == written);
  CHECK(writer.sha256_hex() == base::sha256_hex(sink.bytes()));
  REQUIRE(writer.finish({}).has_value());
  CHECK(writer.sha256_hex() == base::sha256_hex(sink.bytes()));
  const auto result = read_all(sink.bytes());
  CHECK(result.report.sealed);
  std::size_t parts = 0, entries = 0;
  for (const auto& member : result.members) {
    if (!member.name.starts_with("journal/")) continue;
    ++parts;
    entries += parse_journal(member.bytes).entries.size();
  }
  CHECK(parts == 5);
  CHECK(entries == 11);
  CHECK(parse_end_info(result.find("end.json")->bytes)->gaps.at("denied") == 17);
}

TEST_CASE("after an error of the sink nothing more is written") {
  const std::string whole = sample_archive(0);
  for (std::size_t room = 0; room < whole.size(); room += 7) {
    FullSink sink(room);
    Writer writer(sink, {});
    (void)writer.add_now("README.txt", "how to open this\n");
    (void)writer.add_now("capture.json", to_json(sample_capture_info()));
    (void)writer.add("proc/stat", noise(400, 5));
    const auto finished = writer.finish({});
    if (finished) continue;
    CHECK(finished.error().errno_number == 28);
    const auto before = sink.bytes();
    CHECK(writer.add("more", "x").has_error());
    CHECK(writer.flush().has_error());
    CHECK(sink.bytes() == before);
    const auto result = read_all(before);
    CHECK_FALSE(result.report.sealed);
    CHECK_FALSE(result.report.problems.empty());
  }
}

TEST_CASE("an archive grows no larger than it may, and is ended in order") {
  const std::size_t whole = whole_sample().size();
  const std::uint64_t least = Writer::least_bytes("how to open this\n", to_json(sample_capture_info()));
  CHECK(least < whole / 2);
  std::size_t before = 0;
  for (std::uint64_t max = least; max < whole + 30'000; max += 2003) {
    MemorySink sink;
    Writer writer(sink, {1, 0, {}, max, "the test"});
    const auto end = write_sample(writer);
    REQUIRE(end.has_value());
    CHECK(sink.bytes().size() <= max);
    CHECK(writer.sha256_hex() == base::sha256_hex(sink.bytes()));
    const std::size_t kept = check_sealed(sink.bytes(), end->status);
    CHECK((end->status == EndStatus::complete) == (kept == kSampleMembers));
    if (kept == kSampleMembers) continue;
    CHECK(end->status == EndStatus::limit);
    CHECK_THAT(end->detail, Catch::Matchers::Contains("the test, " + std::to_string(max) + " bytes"));
    CHECK(kept >= before);
    before = kept;
  }
  CHECK(before > 100);
}

TEST_CASE("a disk that tells beforehand that it is full has room for the end") {
  const std::size_t whole = whole_sample().size();
  std::size_t before = 0;
  for (std::size_t room = 0; room < whole; room += 2003) {
    DiskSink sink(room, false, true);
    Writer writer(sink, {});
    const auto end = write_sample(writer);
    if (end.has_error()) {
      CHECK(sink.bytes().empty());
      continue;
    }
    CHECK(sink.bytes().size() <= room);
    const std::size_t kept = check_sealed(sink.bytes(), EndStatus::error);
    CHECK(kept >= before);
    before = kept;
  }
  CHECK(before > 60);
}

TEST_CASE("a write that fails on the way is undone to the last whole group") {
  const std::size_t whole = whole_sample().size();
  for (const bool once : {true, false}) {
    for (std::size_t room = 0; room < whole; room += 2003) {
      CAPTURE(once, room);
      DiskSink sink(room, once, false);
      Writer writer(sink, {});
      const auto end = write_sample(writer);
      CHECK(writer.sha256_hex() == base::sha256_hex(sink.bytes()));
      CHECK(writer.compressed_bytes() == sink.bytes().size());
      if (end) {
        (void)check_sealed(sink.bytes(), EndStatus::error);
      } else {
        CHECK_FALSE(once);
        CHECK(end.error().errno_number == 28);
        for (const auto& finding : verify_archive(sink.bytes()).findings) CHECK(finding.verdict == Verdict::incomplete);
      }
    }
  }
}

TEST_CASE("names made of host strings are escaped reversibly") {
  CHECK(percent_escape("eth0.100") == "eth0.100");
  CHECK(percent_escape("../x") == "%2E.%2Fx");
  CHECK(percent_escape("a%b\xff\n") == "a%25b%FF%0A");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name{static_cast<char>(byte), 'x', static_cast<char>(byte)};
    CHECK(percent_unescape(percent_escape(name)) == name);
  }
  CHECK(percent_unescape("100%") == "100%");
  CHECK(percent_unescape("%zz%4") == "%zz%4");
}
