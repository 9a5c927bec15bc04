// Tars that nobody's tar program writes, and those that other programs do.
#include <functional>

#include "archive/tar.h"
#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;
using namespace std::string_literals;

namespace {

const std::string kEnd(2 * kTarBlockBytes, '\0');

// `first`, then a good member: what comes of the second tells whether the reader found its way back.
ReadResult read_tar(const std::string& first, const ReadLimits& limits = {}) {
  return read_all(zstd_frame(first + tar_member("after", "good") + kEnd), limits);
}

std::string pax(const std::string& records) { return tar_member("pax", records, 'x'); }

std::string record(const std::string& key_value) {
  for (std::size_t length = key_value.size() + 3;; ++length) {
    const std::string text = std::to_string(length) + " " + key_value + "\n";
    if (text.size() == length) return text;
  }
}

}  // namespace

TEST_CASE("a corrupted field of a tar header is a problem, and the next member is found") {
  struct Row {
    const char* field;
    std::size_t offset;
    std::string bytes;
    bool mend_checksum;
    const char* problem;
  };
  const Row rows[] = {
      {"name", 0, "X", false, "wrong checksum"},
      {"checksum", 148, "0000000\0"s, false, "wrong checksum"},
      {"checksum that is no number", 148, "zzzzzz\0 "s, false, "wrong checksum"},
      {"magic", 257, "ustaX\0"s, true, "not ustar"},
      {"no magic (V7)", 257, std::string(8, '\0'), true, "not ustar"},
      {"size that is no number", 124, "0000000000x\0"s, true, "not a number"},
      {"size with a gap", 124, "000 00000004"s, true, "not a number"},
      {"size of blanks", 124, std::string(12, ' '), true, "not a number"},
      {"negative size", 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s, true, "not a number"},
      {"size beyond 64 bits", 124, "\x80\x01\0\0\0\0\0\0\0\0\0\0"s, true, "not a number"},
      {"type of the future", 156, "Z", true, "unknown type"},
      {"name of nothing but NUL", 0, std::string(100, '\0'), true, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.field);
    std::string member = tar_member("bad", "data");
    if (row.mend_checksum) patch_header(member, row.offset, row.bytes);
    else member.replace(row.offset, row.bytes.size(), row.bytes);
    const auto result = read_tar(member);
    CHECK(result.find("bad") == nullptr);
    REQUIRE(result.find("after") != nullptr);
    CHECK(result.find("after")->bytes == "good");
    if (*row.problem) CHECK_FALSE(result.problem_with(row.problem).empty());
  }
}

TEST_CASE("sizes that reach past everything end the reading without memory or time") {
  for (const std::string& size : {"77777777777\0"s, "\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"s, "00000001000\0"s}) {
    std::string member = tar_member("big", "data");
    patch_header(member, 124, size);
    const auto result = read_all(zstd_frame(member));
    CHECK_FALSE(result.report.problems.empty());
    CHECK_FALSE(result.report.sealed);
  }
  std::string member = tar_member("big", "data");
  patch_header(member, 124, "00000001000\0"s);  // 512: more than there is
  const auto cut = read_all(zstd_frame(member.substr(0, kTarBlockBytes + 4)));
  REQUIRE(cut.find("big") != nullptr);
  CHECK(cut.find("big")->cut);
  CHECK(cut.find("big")->bytes == "data");
}

TEST_CASE("hostile names are refused") {
  struct Row {
    std::string name;
    const char* problem;
  };
  const Row rows[] = {
      {"/etc/passwd", "absolute"},       {"..", "dot component"},
      {"../x", "dot component"},         {"a/../../x", "dot component"},
      {"a/..", "dot component"},         {"a/./b", "dot component"},
      {"a//b", "empty component"},       {"a\nb", "control byte"},
      {"a\x1b[2Jb", "control byte"},     {"a\x7f", "control byte"},
      {".//x", "absolute"},              {"./../x", "dot component"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto result = read_tar(tar_member(row.name, "data"));
    CHECK(result.members.size() == 1);
    CHECK(result.find("after") != nullptr);
    const auto problem = result.problem_with(row.problem);
    CHECK_FALSE(problem.empty());
    for (const char c : problem) CHECK(static_cast<unsigned char>(c) >= 0x20);
  }
  CHECK_FALSE(read_tar(pax(record("path=a"s + '\0' + "b")) + tar_member("x", "data")).problem_with("control byte").empty());
  CHECK_FALSE(read_tar(pax(record("path=" + std::string(5000, 'a'))) + tar_member("x", "data"))
                  .problem_with("longer than 4096").empty());
  CHECK(read_tar(tar_member("caf\xc3\xa9\xff", "data")).members.size() == 2);
}

TEST_CASE("only files and symlinks are handed out") {
  for (const auto& [type, problem] : {std::pair{'1', "hard link"}, {'3', "character device"}, {'4', "block device"},
                                      {'6', "FIFO"}, {'S', "unknown type"}, {'D', "unknown type"}, {'M', "unknown type"}, {'V', "unknown type"}}) {
    const auto result = read_tar(tar_member("odd", "", type, "target"));
    CHECK(result.members.size() == 1);
    CHECK_FALSE(result.problem_with(problem).empty());
  }
  const auto directory = read_tar(tar_member("dir/", "", '5') + tar_member("./", "", '5') + tar_member("old/", ""));
  CHECK(directory.members.size() == 1);
  CHECK(directory.report.problems.total == 1);  // no seal
  const auto link = read_tar(tar_member("proc/1/exe", "", '2', "/usr/bin/x"));
  REQUIRE(link.find("proc/1/exe") != nullptr);
  CHECK(link.find("proc/1/exe")->type == MemberType::symlink);
  CHECK(link.find("proc/1/exe")->bytes == "/usr/bin/x");
}

TEST_CASE("pax records and GNU long names are read") {
  const std::string longest = std::string(200, 'd') + "/" + std::string(200, 'f');
  CHECK(read_tar(pax(record("path=" + longest)) + tar_member("short", "data")).find(longest)->bytes == "data");
  CHECK(read_tar(tar_member("././@LongLink", longest + '\0', 'L') + tar_member("short", "data")).find(longest) != nullptr);
  const auto link = read_tar(tar_member("././@LongLink", longest + '\0', 'K') + tar_member("l", "", '2', "short"));
  CHECK(link.find("l")->bytes == longest);
  CHECK(read_tar(pax(record("linkpath=/x/y")) + tar_member("l", "", '2', "short")).find("l")->bytes == "/x/y");

  std::string sized = tar_member("sized", "data");
  patch_header(sized, 124, "00000000000\0"s);
  CHECK(read_tar(pax(record("mtime=1.5") + record("size=4")) + sized).find("sized")->bytes == "data");
  CHECK(read_tar(tar_member("g", record("comment=x"), 'g') + tar_member("m", "data")).find("m") != nullptr);

  std::string gnu = tar_member("gnu", "data");
  patch_header(gnu, 257, "ustar  \0"s);
  patch_header(gnu, 345, "12345670123"s);  // GNU's access time is no prefix
  CHECK(read_tar(gnu).find("gnu") != nullptr);
}

TEST_CASE("broken pax records cost the member that they are about") {
  for (const std::string& records :
       {"x"s, "99 path=a\n"s, "3 \n"s, "0 path=a\n"s, "9 path=ab\n"s, "11 path=ab"s, "7 path\n"s, record("size=x"),
        record("size=-1"), record("size="), "18446744073709551616 path=a\n"s, record("GNU.sparse.major=1")}) {
    CAPTURE(records);
    const auto result = read_tar(pax(records) + tar_member("victim", "data"));
    CHECK(result.find("victim") == nullptr);
    CHECK(result.find("after") != nullptr);
    CHECK_FALSE(result.problem_with("victim refused").empty());
  }
  const auto huge = read_tar(pax(std::string(65 * 1024, 'x')) + tar_member("victim", "data"));
  CHECK_FALSE(huge.problem_with("more than 64 KiB").empty());
  CHECK(huge.find("victim") == nullptr);
  CHECK(huge.find("after") != nullptr);
}

TEST_CASE("of two members with one name the first is kept and the second reported") {
  const auto result = read_tar(tar_member("after", "first") + tar_member("./after", "second"));
  REQUIRE(result.members.size() == 1);
  CHECK(result.members[0].bytes == "first");
  CHECK(result.report.problems.total == 3);  // two duplicates, no seal
  CHECK_FALSE(result.problem_with("came before").empty());
}

TEST_CASE("the tar's end is two blocks of zeros; what follows is told") {
  const std::string zero(kTarBlockBytes, '\0');
  const auto single = read_tar(tar_member("a", "x") + zero);
  CHECK_FALSE(single.problem_with("single block").empty());
  CHECK(single.find("after") != nullptr);
  const auto ended = read_tar(tar_member("a", "x") + kEnd);
  CHECK(ended.find("after") == nullptr);
  CHECK_FALSE(ended.problem_with("after the end of the tar").empty());
  CHECK(read_all(zstd_frame(tar_member("a", "x") + kEnd + std::string(9000, '\0'))).report.problems.total == 1);
}

TEST_CASE("bombs are stopped by the limits") {
  SECTION("ratio") {
    ReadLimits limits;
    limits.output_allowance_bytes = kMiB;
    limits.ratio = 10;
    const std::string bomb = zstd_frame(tar_member("zeros", std::string(4 * kMiB, '\0')) + kEnd);
    const auto result = read_all(bomb, limits);
    CHECK_FALSE(result.problem_with("expands beyond").empty());
    REQUIRE(result.find("zeros") != nullptr);
    CHECK(result.find("zeros")->cut);
    CHECK(result.find("zeros")->bytes.size() < 2 * kMiB);
    CHECK(read_all(bomb).find("zeros")->bytes.size() == 4 * kMiB);
  }
  SECTION("total output") {
    ReadLimits limits;
    limits.output_bytes = 1000;
    CHECK_FALSE(read_tar(tar_member("a", std::string(2000, 'a')), limits).problem_with("expands beyond").empty());
  }
  SECTION("a member") {
    ReadLimits limits;
    limits.member_bytes = 3;
    const auto result = read_tar(tar_member("a", "1234") + tar_member("b", "123"), limits);
    CHECK(result.find("a") == nullptr);
    CHECK(result.find("b") != nullptr);
    CHECK_FALSE(result.problem_with("larger than the limit").empty());
  }
  SECTION("members") {
    ReadLimits limits;
    limits.members = 1;
    const auto result = read_tar(tar_member("a", "1"), limits);
    CHECK(result.members.size() == 1);
    CHECK_FALSE(result.problem_with("more than 1 members").empty());
  }
  SECTION("names") {
    ReadLimits limits;
    limits.names_bytes = 8;
    const auto result = read_tar(tar_member("12345678", "1"), limits);
    CHECK(result.members.size() == 1);
    CHECK_FALSE(result.problem_with("names of more than 8 bytes: the rest is not read").empty());
  }
  SECTION("a window that needs too much memory") {
    // Frame header: descriptor without content size, window descriptor 2^31, then an empty last block.
    const auto result = read_all("\x28\xB5\x2F\xFD\x00\xA8\x01\x00\x00"s);
    CHECK(result.members.empty());
    CHECK_FALSE(result.problem_with("damaged frame").empty());
  }
  SECTION("frames within frames that never decode") {
    // Each magic begins a frame that zstd refuses (a reserved bit) and whose blocks of 6 bytes, one over each following
    // frame header, reach to the end: read naively, the square of the size.
    std::string nested;
    for (int i = 0; i < 100'000; ++i) nested += "\x28\xB5\x2F\xFD\x08\x58\x30\x00\x00"s;
    const auto result = read_all(nested);
    CHECK_FALSE(result.problem_with("too much of it").empty());
  }
}

TEST_CASE("bytes that are no archive") {
  CHECK_FALSE(looks_like_archive(""));
  CHECK_FALSE(looks_like_archive("\x28\xB5\x2F"));
  CHECK_FALSE(looks_like_archive("PK\x03\x04"));
  CHECK(looks_like_archive("\x28\xB5\x2F\xFD"));
  CHECK(looks_like_archive("\x50\x2A\x4D\x18"));
  for (const std::string& bytes : {""s, "x"s, "hello, world"s, "\x28\xB5\x2F\xFD"s, "\x53\x2A\x4D\x18\xff\xff\xff\xff"s,
                                   std::string(5000, '\0'), zstd_frame(""), zstd_frame("not a tar")}) {
    const auto result = read_all(bytes);
    CHECK(result.members.empty());
    CHECK_FALSE(result.report.sealed);
    CHECK_FALSE(result.report.problems.empty());
  }
  SECTION("garbage before an archive is told and passed over") {
    const auto result = read_all("garbage" + sample_archive(0));
    CHECK(result.find("end.json") != nullptr);
    CHECK_FALSE(result.report.sealed);
  }
  SECTION("skippable frames of other tools are passed over") {
    CHECK(read_all("\x50\x2A\x4D\x18\x02\0\0\0ab"s + sample_archive(0)).find("end.json") != nullptr);
  }
}
