#include "decode/exe_hashes.h"

#include "support.h"

using namespace ssnap;
using namespace ssnap::decode;
using namespace std::string_literals;

namespace {

const std::string kHash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
const std::string kFile = "file " + kHash + " 1183448 8:1 131 1700000000.123456789\0"s;

}  // namespace

TEST_CASE("the processes of an executable have its hash") {
  const std::string bytes = kFile + "process 412 98765 /usr/sbin/nginx\0process 413 98770 /usr/my nginx\n (deleted)\0"s;
  const auto decoded = decode_exe_hashes(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 2);
  CHECK(decoded.rows[0].sha256 == kHash);
  CHECK(decoded.rows[0].pid == 412);
  CHECK(decoded.rows[0].start_ticks == 98765);
  CHECK(decoded.rows[0].target == "/usr/sbin/nginx");
  CHECK(decoded.rows[0].offset == kFile.size());
  CHECK(decoded.rows[1].sha256 == kHash);
  CHECK(decoded.rows[1].target == "/usr/my nginx\n (deleted)");
}

TEST_CASE("a record of the executables that can't be read costs itself, with a problem") {
  const std::string good = "process 9 9 /x\0"s;
  for (const auto& [broken, rows] : {std::pair{"process 1 2 /before-any-file\0"s + kFile, 1},
                                     {kFile + "process 0 1 /x\0"s, 1},
                                     {kFile + "process -1 1 /x\0"s, 1},
                                     {kFile + "process 5 x /x\0"s, 1},
                                     {kFile + "process 5 6\0"s, 1},
                                     {kFile + "process\0"s, 1},
                                     {"file 123 1 8:1 1 1.0\0"s, 0},
                                     {"file " + kHash.substr(1) + "G 1\0"s, 0},
                                     {"file\0"s, 0}}) {
    CAPTURE(broken);
    const auto decoded = decode_exe_hashes(broken + good);
    CHECK(decoded.rows.size() == static_cast<std::size_t>(rows));
    CHECK_FALSE(decoded.problems.empty());
  }
  // A later writer's records are passed over.
  const auto later = decode_exe_hashes(kFile + "build-id 0123\0"s + good);
  CHECK(later.rows.size() == 1);
  CHECK(later.problems.empty());
}

TEST_CASE("every prefix of a record of executables is read as far as it goes") {
  const std::string bytes = kFile + "process 412 98765 /usr/sbin/nginx\0process 413 98770 /usr/sbin/nginx\0"s;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_exe_hashes(std::string_view(bytes).substr(0, size));
    CHECK(decoded.rows.size() <= 1);
    const bool at_an_end = size == 0 || bytes[size - 1] == '\0';
    CHECK(decoded.problems.empty() == at_an_end);
  }
}
