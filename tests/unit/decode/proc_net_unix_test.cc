#include "decode/proc_net_unix.h"

#include <algorithm>
#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

std::string summary(const ProcNetUnixRow& row) {
  std::ostringstream out;
  out << row.ref_count << ' ' << row.flags << ' ' << row.type << ' ' << int{row.socket_state} << ' '
      << row.inode;
  if (row.path) out << " [" << *row.path << ']';
  return out.str();
}

const ProcNetUnixRow* find_row(const ssnap::base::Decoded<ProcNetUnixRow>& decoded, const std::string& path) {
  for (const auto& row : decoded.rows) {
    if (row.path == path) return &row;
  }
  return nullptr;
}

const std::string kGood = "00000000f2f2b8c6: 00000003 00000000 00010000 0001 01  4711 /run/a b.sock\n";
const std::string kGoodSummary = "3 65536 1 1 4711 [/run/a b.sock]";

}  // namespace

TEST_CASE("/proc/net/unix of the scene") {
  const auto decoded = decode_proc_net_unix(read_fixture("proc_net_unix"));
  CHECK(decoded.problems.empty());
  // Fourteen sockets, and the row that one of them forged.
  CHECK(decoded.rows.size() == 15);
  CHECK(find_row(decoded, "/tmp/demo/with blank.sock"));
  CHECK(find_row(decoded, "@demo-abstract"));
  CHECK(find_row(decoded, "@demo@nul"));
  CHECK(find_row(decoded, "@demo \x1b[31m\xff"));
  const auto* listener = &*std::find_if(decoded.rows.begin(), decoded.rows.end(), [](const auto& row) {
    return row.flags == 0x10000 && row.path == "/tmp/demo/listener.sock";
  });
  CHECK(listener->type == 1);
  CHECK(listener->socket_state == 1);
  const auto unaccepted =
      std::find_if(decoded.rows.begin(), decoded.rows.end(), [](const auto& row) { return row.inode == 0; });
  REQUIRE(unaccepted != decoded.rows.end());
  CHECK(unaccepted->socket_state == 2);
  CHECK(std::count_if(decoded.rows.begin(), decoded.rows.end(), [](const auto& row) { return !row.path; }) ==
        6);
}

TEST_CASE("a name with a newline forges a row: it can't be told from a real one") {
  const auto decoded = decode_proc_net_unix(read_fixture("proc_net_unix"));
  const auto* forged = find_row(decoded, "/run/forged.sock");
  REQUIRE(forged);
  CHECK(summary(*forged) == "2 65536 1 1 424242 [/run/forged.sock]");
  CHECK(find_row(decoded, "@demo"));
}

TEST_CASE("a name with a newline that forges no row is a problem") {
  const std::string header = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  const auto decoded = decode_proc_net_unix(header + replaced(kGood, " b.sock", "\nNum b.sock") + kGood);
  CHECK(decoded.rows.size() == 2);
  CHECK(decoded.rows[0].path == "/run/a");
  CHECK(first_message(decoded.problems) ==
        "expected Num, a pointer and ':', found 3 bytes (4e 75 6d); row skipped");
}

TEST_CASE("rows of other kernels and names of every kind") {
  struct Row {
    const char* what;
    std::string line, expected;
  };
  for (const Row& row : {
           Row{"this one", kGood, kGoodSummary},
           Row{"32 bits", "f7a1b2c0: 00000003 00000000 00010000 0001 01  4711 /run/a b.sock\n", kGoodSummary},
           Row{"no hash yet", "(____ptrval____): 00000003 00000000 00010000 0001 01  4711 /run/a b.sock\n",
               kGoodSummary},
           Row{"padded pointer", "          (null): 00000003 00000000 00010000 0001 01  4711 /run/a b.sock\n",
               kGoodSummary},
           Row{"no path", "0: 00000003 00000000 00010000 0001 01  4711\n", "3 65536 1 1 4711"},
           Row{"empty path", "0: 00000003 00000000 00010000 0001 01  4711 \n", "3 65536 1 1 4711 []"},
           Row{"path of blanks", "0: 00000003 00000000 00010000 0001 01  4711   \n", "3 65536 1 1 4711 [  ]"},
           Row{"wide inode", "0: 00000003 00000000 00010000 0005 03 4294967296 @x\n",
               "3 65536 5 3 4294967296 [@x]"},
       }) {
    INFO(row.what);
    const auto decoded = decode_proc_net_unix(row.line);
    CHECK(decoded.problems.empty());
    REQUIRE(decoded.rows.size() == 1);
    CHECK(summary(decoded.rows[0]) == row.expected);
  }
}

TEST_CASE("each corrupted field of /proc/net/unix costs its row and no other") {
  struct Row {
    const char* from;
    const char* to;
    const char* problem;
  };
  for (const Row& row : {
           Row{"f2f2b8c6:", "\x1b",
               "expected Num, a pointer and ':', found 9 bytes (30 30 30 30 30 30 30 30 1b); row skipped"},
           Row{"00000003", "3x", "expected RefCount, a hex word, found 2 bytes (33 78); row skipped"},
           Row{"00000003", "100000000",
               "expected RefCount, a hex word, found 9 bytes (31 30 30 30 30 30 30 30 30); row skipped"},
           Row{" 00000000 ", " - ", "expected Protocol, a hex word, found 1 byte (2d); row skipped"},
           Row{"00010000", "-1", "expected Flags, a hex word, found 2 bytes (2d 31); row skipped"},
           Row{" 0001 ", " 10000 ",
               "expected Type, two hex bytes, found 5 bytes (31 30 30 30 30); row skipped"},
           Row{" 01 ", " 100 ", "expected St, a hex byte, found 3 bytes (31 30 30); row skipped"},
           Row{"4711", "47a", "expected Inode, a decimal number, found 3 bytes (34 37 61); row skipped"},
           Row{" 4711 /run/a b.sock", "", "expected Inode, a decimal number, found nothing; row skipped"},
           Row{"00000000f2f2b8c6: 00000003 00000000 00010000 0001 01  4711 /run/a b.sock", "",
               "expected Num, a pointer and ':', found nothing; row skipped"},
       }) {
    INFO(row.from << " -> " << row.to);
    const auto decoded = decode_proc_net_unix(kGood + replaced(kGood, row.from, row.to) + kGood);
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == 1);
    REQUIRE(decoded.rows.size() == 2);
    CHECK(summary(decoded.rows[1]) == kGoodSummary);
    CHECK(decoded.problems.kept[0].offset >= kGood.size());
  }
}

TEST_CASE("every prefix of /proc/net/unix gives a prefix of its rows") {
  const std::string bytes = read_fixture("proc_net_unix");
  const auto whole = decode_proc_net_unix(bytes);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto decoded = decode_proc_net_unix(std::string_view(bytes).substr(0, size));
    REQUIRE(decoded.rows.size() <= whole.rows.size());
    for (std::size_t i = 0; i < decoded.rows.size(); ++i) {
      REQUIRE(decoded.rows[i].inode == whole.rows[i].inode);
      if (!is_cut_row(bytes, size, decoded.rows[i].offset)) REQUIRE(summary(decoded.rows[i]) == summary(whole.rows[i]));
      REQUIRE(decoded.rows[i].offset == whole.rows[i].offset);
    }
    const bool at_boundary = size == 0 || bytes[size - 1] == '\n';
    REQUIRE(decoded.problems.empty() == at_boundary);
  }
}

TEST_CASE("Num: hashed, zeros, of 32 bits, or not a number yet") {
  const auto row = [](const std::string& pointer) {
    return decode_proc_net_unix(pointer + ": 00000002 00000000 00010000 0001 01 4711 /x\n").rows.at(0);
  };
  CHECK(row("00000000bbb7080d").pointer == 0xbbb7080d);
  CHECK(row("00000000bbb7080d").pointer_digits == 16);
  CHECK(row("ffff8881ffffffff").pointer == 0xffff8881ffffffff);
  CHECK(row("c0ffee00").pointer_digits == 8);
  CHECK(row("00000000").pointer == 0);
  for (const char* odd : {"(____ptrval____)", "", "0000000000000000f", "-1", "0x12"}) CHECK(row(odd).pointer_digits == 0);
}

TEST_CASE("names of old kernels hold NULs and blanks; lines of another system end in CRLF") {
  const std::string nuls("0: 00000002 00000000 00000000 0002 01 4711 @a\0b \0\0\n", 51);
  const auto decoded = decode_proc_net_unix(nuls + kGood);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 2);
  CHECK(decoded.rows[0].path == std::string("@a\0b \0\0", 7));
  const std::string crlf = kGood.substr(0, kGood.size() - 1) + "\r\n";
  const auto windows = decode_proc_net_unix("Num       RefCount\r\n" + crlf);
  CHECK(windows.problems.empty());
  REQUIRE(windows.rows.size() == 1);
  CHECK(summary(windows.rows[0]) == kGoodSummary);
  // In a file whose lines end in a newline alone it belongs to the name.
  const auto odd = decode_proc_net_unix(kGood + crlf);
  REQUIRE(odd.rows.size() == 2);
  CHECK(odd.rows[1].path == "/run/a b.sock\r");
}

TEST_CASE("without a newline at the end of /proc/net/unix a row is kept if its inode is whole") {
  const std::string unended = kGood.substr(0, kGood.size() - 1);
  const auto kept = decode_proc_net_unix(unended);
  REQUIRE(kept.rows.size() == 1);
  CHECK(summary(kept.rows[0]) == kGoodSummary);
  CHECK(first_message(kept.problems).ends_with("; last row kept, its Path may lack its end"));
  const auto skipped = decode_proc_net_unix(unended.substr(0, unended.find(" /run")));
  CHECK(skipped.rows.empty());
  CHECK(first_message(skipped.problems).ends_with("; last row skipped"));
}
