#include "decode/link_list.h"

#include "decode/fd_listing.h"

#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

std::string summary(const LinkRecord& record) {
  std::ostringstream out;
  out << record.name;
  if (record.mode) out << " mode " << std::oct << *record.mode << std::dec;
  if (record.errno_number) out << " errno " << *record.errno_number;
  out << " [" << record.target << ']';
  return out.str();
}

}  // namespace

TEST_CASE("fds and links of a process") {
  const std::string fds = read_fixture("proc_pid_fds");
  const auto decoded = decode_link_list(fds);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 35);
  CHECK(summary(decoded.rows[0]) == "0 mode 500 [/dev/null]");
  CHECK(summary(decoded.rows[3]) == "3 mode 700 [socket:[13967]]");
  CHECK(decoded.rows[0].offset == 0);
  CHECK(inode_of_link(decoded.rows[3].target, "socket") == 13967);

  const std::string links = read_fixture("proc_pid_links-kthread");
  const auto kernel = decode_link_list(links);
  CHECK(kernel.problems.empty());
  REQUIRE(kernel.rows.size() == 4);
  CHECK(summary(kernel.rows[0]) == "exe errno 2 []");
  CHECK(inode_of_link(kernel.rows[3].target, "net") == 4026531833);
}

TEST_CASE("records of every kind, and each corrupted field") {
  struct Row {
    const char* what;
    std::string record, expected, problem;
  };
  for (const Row& row : {
           Row{"mode not asked", "3 - pipe:[7]", "3 [pipe:[7]]", ""},
           Row{"any byte in a target", "cwd 0777 /a b\n\x1b\xff (deleted)",
               "cwd mode 777 [/a b\n\x1b\xff (deleted)]", ""},
           Row{"empty target", "3 0700 ", "3 mode 700 []", ""},
           Row{"error with a blank", "3 !13 ", "3 errno 13 []", ""},
           Row{"error without", "3 !13", "3 errno 13 []", ""},
           Row{"error and target", "3 !13 /x", "3 errno 13 []",
               "expected no target beside an errno, found 2 bytes (2f 78); the record is kept without "
               "target"},
           Row{"mode not octal", "3 0799 /x", "3 [/x]",
               "expected a mode in octal, '-' or '!' and an errno, found 4 bytes (30 37 39 39); the record "
               "is kept "
               "without it"},
           Row{"mode too large", "3 10000 /x", "3 [/x]",
               "expected a mode in octal, '-' or '!' and an errno, found 5 bytes (31 30 30 30 30); the "
               "record is kept "
               "without it"},
           Row{"empty mode", "3  /x", "3 [/x]",
               "expected a mode in octal, '-' or '!' and an errno, found nothing; the record is kept without "
               "it"},
           Row{"errno 0", "3 !0 ", "3 []",
               "expected a mode in octal, '-' or '!' and an errno, found 2 bytes (21 30); the record is kept "
               "without "
               "it"},
           Row{"errno not a number", "3 !x ", "3 []",
               "expected a mode in octal, '-' or '!' and an errno, found 2 bytes (21 78); the record is kept "
               "without "
               "it"},
           Row{"errno too large", "3 !4096 ", "3 []",
               "expected a mode in octal, '-' or '!' and an errno, found 5 bytes (21 34 30 39 36); the "
               "record is kept "
               "without it"},
           Row{"no name", " 0700 /x", "",
               "expected NAME MODE TARGET, found 8 bytes (20 30 37 30 30 20 2f 78); record skipped"},
           Row{"name only", "3", "", "expected NAME MODE TARGET, found 1 byte (33); record skipped"},
           Row{"no target", "3 0700", "",
               "expected NAME MODE TARGET, found 6 bytes (33 20 30 37 30 30); record skipped"},
           Row{"nothing", "", "", "expected NAME MODE TARGET, found nothing; record skipped"},
       }) {
    INFO(row.what);
    const std::string bytes = row.record + "\0"s + "9 0700 socket:[1]\0"s;
    const auto decoded = decode_link_list(bytes);
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == (row.problem.empty() ? 0 : 1));
    REQUIRE(decoded.rows.size() == (row.expected.empty() ? 1 : 2));
    if (!row.expected.empty()) CHECK(summary(decoded.rows[0]) == row.expected);
    CHECK(summary(decoded.rows.back()) == "9 mode 700 [socket:[1]]");
    CHECK(decoded.rows.back().offset == row.record.size() + 1);
  }
}

TEST_CASE("inode_of_link takes the whole target") {
  CHECK(inode_of_link("socket:[1596]", "socket") == 1596);
  CHECK(inode_of_link("net:[4026531840]", "net") == 4026531840);
  CHECK(inode_of_link("socket:[18446744073709551615]", "socket") == UINT64_MAX);
  for (const char* target : {"", "socket", "socket:", "socket:[", "socket:[]", "socket:]", "socket:[1",
                             "socket:[-1]", "socket:[ 1]", "socket:[1]x", "xsocket:[1]", "socket:[0x1]",
                             "pipe:[1]", "socket:[18446744073709551616]", "/tmp/socket:[1]"}) {
    INFO(target);
    CHECK_FALSE(inode_of_link(target, "socket"));
  }
}

TEST_CASE("every prefix of a list gives a prefix of its records") {
  const std::string bytes = read_fixture("proc_pid_fds");
  const auto whole = decode_link_list(bytes);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto decoded = decode_link_list(std::string_view(bytes).substr(0, size));
    REQUIRE(decoded.rows.size() <= whole.rows.size());
    for (std::size_t i = 0; i < decoded.rows.size(); ++i) {
      REQUIRE(summary(decoded.rows[i]) == summary(whole.rows[i]));
    }
    REQUIRE(decoded.problems.empty() == (size == 0 || bytes[size - 1] == '\0'));
  }
}

TEST_CASE("what ls -l prints of an fd directory") {
  const auto decoded = decode_fd_listing(
      "total 0\n"
      "lrwx------ 1 root root 64 Nov 22 08:54 3 -> socket:[1596]\n"
      "l-wx------. 1 root root 64 2026-11-22 08:54:01.000000000 +0000 12 -> /tmp/a -> b\n"
      "lrwx------ 1 root root 64 Nov 22 08:54 4\n"
      "\n"
      "ls: cannot open it\n"
      "lrwx------ 1 root root 64 Nov 22 08:54 cwd -> /\n"
      "lrwx------ 1 root root 64 Nov 22 08:54 5 -> socket:[15");
  REQUIRE(decoded.rows.size() == 3);
  CHECK(decoded.rows[0].name == "3");
  CHECK(decoded.rows[0].target == "socket:[1596]");
  CHECK(decoded.rows[0].offset == 8);
  CHECK(decoded.rows[1].name == "12");
  CHECK(decoded.rows[1].target == "/tmp/a -> b");
  CHECK(decoded.rows[2].name == "4");
  CHECK(decoded.rows[2].errno_number == 13);
  CHECK(decoded.problems.total == 3);
  CHECK(first_message(decoded.problems).starts_with("expected a link as ls -l prints it, found "));
  CHECK(printable(decoded.problems));
  CHECK(decode_fd_listing("").rows.empty());
  const auto unended = decode_fd_listing("lrwx------ 1 root root 64 Nov 22 08:54 5 -> socket:[15]");
  CHECK(unended.problems.empty());
  REQUIRE(unended.rows.size() == 1);
}
