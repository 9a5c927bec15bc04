// fdinfo and maps: what a process holds beside its fds.
#include "decode/proc_pid_fdinfo.h"
#include "decode/proc_pid_maps.h"

#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

std::string summary(const ProcPidFdinfo& info) {
  std::ostringstream out;
  if (info.is_ring) out << " ring";
  if (info.user_files) out << " files=" << *info.user_files;
  for (const auto& file : info.registered) {
    out << " [" << file.place << ' ' << file.name << ']';
    if (file.inode) out << '=' << *file.inode;
  }
  if (info.scm_fds) out << " scm=" << *info.scm_fds;
  return out.str();
}

std::string summary(const ProcPidMaps& maps) {
  std::ostringstream out;
  for (const auto inode : maps.socket_inodes) out << ' ' << inode;
  if (maps.io_uring) out << " ring";
  return out.str();
}

}  // namespace

TEST_CASE("fdinfo of an io_uring, of a UNIX socket with descriptors in its queue, of a TCP socket") {
  const auto ring = decode_proc_pid_fdinfo(read_fixture("proc_pid_fdinfo-io_uring"));
  CHECK(ring.problems.empty());
  CHECK(summary(ring) == " ring files=5 [0 socket:[135096935]]=135096935 [2 socket:[135096936]]=135096936 [3 /dev/null]");
  const auto receiver = decode_proc_pid_fdinfo(read_fixture("proc_pid_fdinfo-unix"));
  CHECK(receiver.problems.empty());
  CHECK(summary(receiver) == " scm=3");
  const auto plain = decode_proc_pid_fdinfo(read_fixture("proc_pid_fdinfo-tcp"));
  CHECK(plain.problems.empty());
  CHECK(summary(plain).empty());
}

TEST_CASE("fdinfo: each line that isn't as expected costs itself") {
  struct Row {
    const char* what;
    std::string text, read, problem;
  };
  const std::string files = "UserFiles:\t3\n";
  for (const Row& row : {
           Row{"nothing", "", "", ""},
           Row{"before 6.18", files + "    0: TCP\n    1: <none>\n    2: UDPv6\nUserBufs:\t0\n",
               " ring files=3 [0 TCP] [2 UDPv6]", ""},
           Row{"a busy ring", "SqThread:\t-1\n", " ring", ""},
           Row{"bytes, blanks and colons", files + "    0: a: b\x1b\xff \n", " ring files=3 [0 a: b\x1b\xff ]", ""},
           Row{"buffers are no files", files + "UserBufs:\t1\n    0: 0x7f00/4096\n", " ring files=3", ""},
           Row{"events are no files", "SQEs:\t1\n    0: opcode:READ\n" + files, " ring files=3", ""},
           Row{"no number of files", "UserFiles:\t\n    0: TCP\n", " ring",
               "UserFiles: expected a decimal number, found 1 byte (09); left out"},
           Row{"a negative number of files", "UserFiles:\t-1\n", " ring",
               "UserFiles: expected a decimal number, found 3 bytes (09 2d 31); left out"},
           Row{"two numbers of files", "UserFiles:\t1 2\n", " ring",
               "UserFiles: expected a decimal number, found 4 bytes (09 31 20 32); left out"},
           Row{"too many files", "UserFiles:\t1048577\n", " ring files=1048576",
               "UserFiles: expected at most 1048576 places, found more; those beyond are left out"},
           Row{"files twice", files + files + "    0: TCP\n", " ring files=3",
               "UserFiles: expected once, found again; the first is kept"},
           Row{"no colon", files + "    0 TCP\n    1: UDP\n", " ring files=3 [1 UDP]",
               "expected a place, ':' and a file, found 9 bytes (20 20 20 20 30 20 54 43 50); row skipped"},
           Row{"no place", files + "    : x\n", " ring files=3",
               "expected a place of the table, found 7 bytes (20 20 20 20 3a 20 78); row skipped"},
           Row{"a place beyond the table", files + " 3: x\n", " ring files=3",
               "expected a place of the table, found 5 bytes (20 33 3a 20 78); row skipped"},
           Row{"a file's name that forges a place", files + " 1: x\n 0: TCP\n", " ring files=3 [1 x]",
               "expected a place after the one before, found 7 bytes (20 30 3a 20 54 43 50); row skipped"},
           Row{"blanks alone", files + "   \n", " ring files=3",
               "expected a place, ':' and a file, found 3 bytes (20 20 20); row skipped"},
           Row{"no number of descriptors", "scm_fds: x\n", "",
               "scm_fds: expected a decimal number, found 2 bytes (20 78); left out"},
           Row{"descriptors twice", "scm_fds: 1\nscm_fds: 2\n", " scm=1",
               "scm_fds: expected once, found again; the first is kept"},
           Row{"cut", "scm_fds: 1\nscm_fds: 2", " scm=1",
               "expected a newline at the end of the file, found 10 bytes (73 63 6d 5f 66 64 73 3a 20 32); last line skipped"},
       }) {
    INFO(row.what);
    const auto info = decode_proc_pid_fdinfo(row.text);
    CHECK(summary(info) == row.read);
    CHECK(first_message(info.problems) == row.problem);
    CHECK(info.problems.total == (row.problem.empty() ? 0 : 1));
  }
}

TEST_CASE("every prefix of fdinfo has a part of its lines") {
  for (const char* name : {"proc_pid_fdinfo-io_uring", "proc_pid_fdinfo-unix"}) {
    const std::string bytes = read_fixture(name);
    const std::string whole = summary(decode_proc_pid_fdinfo(bytes));
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      INFO(size);
      const auto info = decode_proc_pid_fdinfo(std::string_view(bytes).substr(0, size));
      REQUIRE(info.problems.empty() == (size == 0 || bytes[size - 1] == '\n'));
      REQUIRE(whole.starts_with(summary(info)));
    }
  }
}

TEST_CASE("maps of a process that maps a packet ring and an io_uring") {
  const auto maps = decode_proc_pid_maps(read_fixture("proc_pid_maps"));
  CHECK(maps.problems.empty());
  CHECK(summary(maps) == " 135096944 ring");
}

TEST_CASE("maps: only sockets and rings count, each corrupted field costs its row") {
  struct Row {
    const char* what;
    std::string from, to, read, problem;
  };
  const std::string good = "7f00-7f10 rw-s 0000a000 00:09 4711       socket:[4711]";
  for (const Row& row : {
           Row{"good", "", "", " 4711", ""},
           Row{"a file of that name", " socket:[", " /socket:[", "", ""},
           Row{"a file of that name, with a blank", "  socket:[", " / socket:[", "", ""},
           Row{"deleted", "[4711]", "[4711] (deleted)", "", ""},
           Row{"another inode", "[4711]", "[x]", "", ""},
           Row{"nothing mapped", "       socket:[4711]", " ", "", ""},
           Row{"an event fd", "socket:[4711]", "anon_inode:[eventfd]", "", ""},
           Row{"a ring", "socket:[4711]", "anon_inode:[io_uring]", " ring", ""},
           Row{"no range", "7f00-7f10", "7f00", "", "expected an address range, found 4 bytes (37 66 30 30); row skipped"},
           Row{"begin", "7f00-", "x-", "", "expected an address range, found 6 bytes (78 2d 37 66 31 30); row skipped"},
           Row{"end", "-7f10", "-", "", "expected an address range, found 5 bytes (37 66 30 30 2d); row skipped"},
           Row{"permissions", "rw-s", "rw-", "", "expected permissions, found 3 bytes (72 77 2d); row skipped"},
           Row{"offset", "0000a000", "g", "", "expected an offset, found 1 byte (67); row skipped"},
           Row{"device", "00:09", "0009", "", "expected major:minor, found 4 bytes (30 30 30 39); row skipped"},
           Row{"minor", "00:09", "00:", "", "expected major:minor, found 3 bytes (30 30 3a); row skipped"},
           Row{"inode", " 4711 ", " -1 ", "", "expected an inode, found 2 bytes (2d 31); row skipped"},
           Row{"no inode", " 4711       socket:[4711]", "", "", "expected an inode, found nothing; row skipped"},
           Row{"only a range", good.substr(9), "", "", "expected permissions, found nothing; row skipped"},
       }) {
    INFO(row.what);
    const std::string other = "0-1 rw-s 0 0:9 5 socket:[5]\n";
    const auto maps = decode_proc_pid_maps(other + replaced(good, row.from, row.to) + "\n" + other);
    CHECK(summary(maps) == (row.read == " ring" ? " 5 ring" : " 5" + row.read));
    CHECK(first_message(maps.problems) == row.problem);
    CHECK(maps.problems.total == (row.problem.empty() ? 0 : 1));
  }
}

TEST_CASE("every prefix of maps has a part of its rows") {
  const std::string bytes = read_fixture("proc_pid_maps");
  const auto whole = decode_proc_pid_maps(bytes);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    INFO(size);
    const auto maps = decode_proc_pid_maps(std::string_view(bytes).substr(0, size));
    REQUIRE(maps.problems.empty() == (size == 0 || bytes[size - 1] == '\n'));
    REQUIRE(summary(whole).starts_with(summary(maps)));
  }
}
