#include "decode/proc_net_inet.h"

#include <algorithm>
#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

std::string summary(const ProcNetInetRow& row) {
  std::ostringstream out;
  out << row.slot << ' ' << row.local.to_string() << ' ' << row.local_port << ' ' << row.peer.to_string()
      << ' ' << row.peer_port << ' ' << int{row.state} << ' ' << row.send_queue << ' ' << row.recv_queue
      << ' ' << int{row.timer} << ' ' << row.timer_expires_ticks << ' ' << row.retransmits << ' ' << row.uid
      << ' ' << row.timeout << ' ' << row.inode << ' ' << row.offset;
  if (row.ref_count) out << " ref " << *row.ref_count;
  return out.str();
}

auto decode(std::string_view bytes) {
  return decode_proc_net_inet(bytes, ByteOrder::little);
}

// Each word of an address the other way round.
std::string swap_address_words(std::string text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find_first_of(" :\n", begin);
    if (end == std::string::npos) end = text.size();
    // A word of queues has 8 digits too, but stands before or after another one of 8.
    const bool address =
        (end - begin == 8 || end - begin == 32) && text[end] == ':' && text.substr(end + 5, 1) == " ";
    for (std::size_t word = begin; address && word < end; word += 8) {
      for (std::size_t i = 0; i < 4; i += 2) {
        std::swap(text[word + i], text[word + 6 - i]);
        std::swap(text[word + i + 1], text[word + 7 - i]);
      }
    }
    begin = end + 1;
  }
  return text;
}

const char* const kFixtures[] = {"proc_net_tcp", "proc_net_tcp6", "proc_net_udp",  "proc_net_udp6",
                                 "proc_net_raw", "proc_net_raw6", "proc_net_icmp", "proc_net_icmp6"};

const std::string kGood =
    "   7: 0100007F:1F90 0200000A:C350 01 00000005:00000006 02:00000AFF 00000003  1000        4 4711 2 "
    "0000000000000000 20 4 30 10 -1\n";
const std::string kGoodSummary = "7 127.0.0.1 8080 10.0.0.2 50000 1 5 6 2 2815 3 1000 4 4711";

}  // namespace

TEST_CASE("/proc/net/tcp of the scene") {
  const auto tcp = decode(read_fixture("proc_net_tcp"));
  CHECK(tcp.problems.empty());
  REQUIRE(tcp.rows.size() == 7);
  for (std::size_t i = 0; i < tcp.rows.size(); ++i) CHECK(tcp.rows[i].slot == i);
  CHECK(summary(tcp.rows[0]) == "0 127.0.0.1 8080 0.0.0.0 0 10 0 1 0 0 0 0 0 13967 150 ref 2");
  CHECK(tcp.rows[1].recv_queue == 5);
  CHECK(tcp.rows[2].state == 6);
  CHECK(tcp.rows[2].inode == 0);
  CHECK(tcp.rows[2].timer == 3);
  CHECK(tcp.rows[2].timer_expires_ticks == 0x1765);

  const auto tcp6 = decode(read_fixture("proc_net_tcp6"));
  CHECK(tcp6.problems.empty());
  REQUIRE(tcp6.rows.size() == 6);
  CHECK(tcp6.rows[0].local.to_string() == "::");
  CHECK(tcp6.rows[1].local.to_string() == "::1");
  CHECK(tcp6.rows[4].local.to_string() == "::ffff:127.0.0.1");
  CHECK(tcp6.rows[4].peer.is_v6());
}

TEST_CASE("/proc/net/udp, raw and icmp of the scene") {
  const auto first = [](const char* name) {
    const auto decoded = decode(read_fixture(name));
    CHECK(decoded.problems.empty());
    REQUIRE_FALSE(decoded.rows.empty());
    return decoded.rows[0];
  };
  CHECK(first("proc_net_udp").local_port == 4000);
  CHECK(first("proc_net_udp").state == 1);
  CHECK(first("proc_net_udp6").local_port == 5354);
  CHECK(first("proc_net_raw").local_port == 1);
  CHECK(first("proc_net_raw").local.to_string() == "0.0.0.0");
  CHECK(first("proc_net_raw6").local_port == 58);
  CHECK(first("proc_net_icmp").local_port == 77);
  CHECK(first("proc_net_icmp6").local_port == 78);
  CHECK(first("proc_net_icmp6").local.to_string() == "::1");
}

TEST_CASE("address words are the host's integers") {
  for (const char* name : kFixtures) {
    INFO(name);
    const std::string bytes = read_fixture(name);
    const auto little = decode(bytes);
    const auto big = decode_proc_net_inet(swap_address_words(bytes), ByteOrder::big);
    CHECK(big.problems.empty());
    REQUIRE(big.rows.size() == little.rows.size());
    for (std::size_t i = 0; i < big.rows.size(); ++i) CHECK(summary(big.rows[i]) == summary(little.rows[i]));
  }
  const auto row = decode_proc_net_inet(
      "0: 20010DB8000000000000000000000001:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 "
      "00:00000000 00000000 0 0 1\n",
      ByteOrder::big);
  REQUIRE(row.rows.size() == 1);
  CHECK(row.rows[0].local.to_string() == "2001:db8::1");
}

TEST_CASE("rows of 10 to 19 columns, and of old kernels") {
  struct Row {
    const char* what;
    std::string line;
    std::string expected;
  };
  const std::string ten =
      "   7: 0100007F:1F90 0200000A:C350 01 00000005:00000006 02:00000AFF 00000003  1000        4 4711";
  std::vector<Row> rows = {
      {"10 columns", ten, kGoodSummary + " 0"},
      {"10 columns and padding", ten + std::string(60, ' '), kGoodSummary + " 0"},
      {"12: TIME_WAIT, SYN_RECV, udp of 2.6", ten + " 2 f7a1b2c0", kGoodSummary + " 0 ref 2"},
      {"13: udp", ten + " 2 0000000000000000 0", kGoodSummary + " 0 ref 2"},
      {"17: tcp", ten + " 2 0000000000000000 20 4 30 10 -1", kGoodSummary + " 0 ref 2"},
      {"19: of a later kernel", ten + " 2 0000000000000000 20 4 30 10 -1 a b", kGoodSummary + " 0 ref 2"},
      {"negative uid of an old kernel",
       "   7: 0100007F:1F90 0200000A:C350 01 00000005:00000006 02:00000AFF 00000003    -2        4 4711",
       "7 127.0.0.1 8080 10.0.0.2 50000 1 5 6 2 2815 3 4294967294 4 4711 0"},
      {"uid above 2^31",
       "   7: 0100007F:1F90 0200000A:C350 01 00000005:00000006 02:00000AFF 00000003 4294967294        4 4711",
       "7 127.0.0.1 8080 10.0.0.2 50000 1 5 6 2 2815 3 4294967294 4 4711 0"},
      {"a timer that ran out, of an old kernel",
       "   7: 0100007F:1F90 0200000A:C350 01 00000005:00000006 02:FFFFFFFFFFFFFFFF 00000003  1000        4 "
       "4711",
       "7 127.0.0.1 8080 10.0.0.2 50000 1 5 6 2 18446744073709551615 3 1000 4 4711 0"},
      {"an inode of 64 bits",
       "99999: 0100007F:1F90 0200000A:C350 01 00000005:00000006 02:00000AFF 00000003  1000        4 "
       "4294967296",
       "99999 127.0.0.1 8080 10.0.0.2 50000 1 5 6 2 2815 3 1000 4 4294967296 0"},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const auto decoded = decode(row.line + "\n");
    CHECK(decoded.problems.empty());
    REQUIRE(decoded.rows.size() == 1);
    CHECK(summary(decoded.rows[0]) == row.expected);
  }
}

TEST_CASE("each corrupted field costs its row and no other") {
  struct Row {
    const char* from;
    const char* to;
    std::string problem;
  };
  const std::string skipped = "; row skipped";
  const std::string sl = "expected sl, a decimal number and ':', found ";
  const std::string local = "expected local_address, 8 or 32 hex digits, ':' and a hex port, found ";
  const std::string remote = "expected rem_address of the same family, ':' and a hex port, found ";
  const std::string queues = "expected tx_queue:rx_queue, two hex words, found ";
  const std::string timer = "expected tr:tm->when, a hex byte and a hex number, found ";
  for (const Row& row : {
           Row{"7:", "7", sl + "1 byte (37)" + skipped},
           Row{"7:", "x:", sl + "2 bytes (78 3a)" + skipped},
           Row{"7:", ":", sl + "1 byte (3a)" + skipped},
           Row{"7:", "-7:", sl + "3 bytes (2d 37 3a)" + skipped},
           Row{"7:", "4294967296:", sl + "11 bytes (34 32 39 34 39 36 37 32 39 36 3a)" + skipped},
           Row{"0100007F:1F90", "0100007F", local + "8 bytes (30 31 30 30 30 30 37 46)" + skipped},
           Row{"0100007F:1F90", "0100007:1F90",
               local + "12 bytes (30 31 30 30 30 30 37 3a 31 46 39 30)" + skipped},
           Row{"0100007F:1F90", "010\x1b", local + "4 bytes (30 31 30 1b)" + skipped},
           Row{"0100007F:1F90", "0100007G:1F90",
               local + "13 bytes (30 31 30 30 30 30 37 47 3a 31 46 39 30)" + skipped},
           Row{"0100007F:1F90", "0100007F:11F90",
               local + "14 bytes (30 31 30 30 30 30 37 46 3a 31 31 46 39 30)" + skipped},
           Row{"0100007F:1F90", "0100007F:", local + "9 bytes (30 31 30 30 30 30 37 46 3a)" + skipped},
           Row{"0200000A:C350", "0:0", remote + "3 bytes (30 3a 30)" + skipped},
           Row{"0200000A:C350", "00000000000000000000000001000000:C350",
               remote + "37 bytes (30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 ...)" + skipped},
           Row{" 01 ", " 100 ", "expected st, a hex byte, found 3 bytes (31 30 30)" + skipped},
           Row{" 01 ", " -1 ", "expected st, a hex byte, found 2 bytes (2d 31)" + skipped},
           Row{"00000005:00000006", "5", queues + "1 byte (35)" + skipped},
           Row{"00000005:00000006", "5:100000000",
               queues + "11 bytes (35 3a 31 30 30 30 30 30 30 30 30)" + skipped},
           Row{"02:00000AFF", "02", timer + "2 bytes (30 32)" + skipped},
           Row{"02:00000AFF", "02:-1", timer + "5 bytes (30 32 3a 2d 31)" + skipped},
           Row{" 00000003 ", " 3z ", "expected retrnsmt, a hex word, found 2 bytes (33 7a)" + skipped},
           Row{" 1000 ", " root ", "expected uid, a decimal number, found 4 bytes (72 6f 6f 74)" + skipped},
           Row{" 1000 ", " 4294967296 ",
               "expected uid, a decimal number, found 10 bytes (34 32 39 34 39 36 37 32 39 36)" + skipped},
           Row{" 4 4711", " 4.0 4711",
               "expected timeout, a decimal number, found 3 bytes (34 2e 30)" + skipped},
           Row{" 4711 ", " -4711 ",
               "expected inode, a decimal number, found 5 bytes (2d 34 37 31 31)" + skipped},
           Row{" 4711 2 0000000000000000 20 4 30 10 -1", "",
               "expected inode, a decimal number, found nothing" + skipped},
           Row{"0100007F:1F90 0200000A:C350 01 00000005:00000006 02:00000AFF 00000003  1000        4 4711 2 "
               "0000000000000000 20 4 30 10 -1",
               "", local + "nothing" + skipped},
       }) {
    INFO(row.from << " -> " << row.to);
    const auto decoded = decode(kGood + replaced(kGood, row.from, row.to) + kGood);
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == 1);
    CHECK(printable(decoded.problems));
    REQUIRE(decoded.problems.kept.size() == 1);
    CHECK(decoded.problems.kept[0].offset > kGood.size());
    REQUIRE(decoded.rows.size() == 2);
    CHECK(decoded.rows[1].inode == 4711);
  }
}

TEST_CASE("a bad reference count costs only itself") {
  const auto decoded = decode(replaced(kGood, " 4711 2 ", " 4711 two "));
  CHECK(first_message(decoded.problems) ==
        "expected ref, a decimal number, found 3 bytes (74 77 6f); the row is kept without it");
  REQUIRE(decoded.rows.size() == 1);
  CHECK_FALSE(decoded.rows[0].ref_count);
}

TEST_CASE("headers are passed over wherever they stand, empty lines are problems") {
  const auto decoded = decode(kGood + "  sl  local_address rem_address   st\n" + kGood + "\n" + kGood);
  CHECK(decoded.rows.size() == 3);
  CHECK(first_message(decoded.problems) ==
        "expected sl, a decimal number and ':', found nothing; row skipped");
  CHECK(decode("").rows.empty());
  CHECK(decode("").problems.empty());
}

TEST_CASE("a million bad lines give a hundred messages") {
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += "\x1b]0;x\a\n";
  const auto decoded = decode(bytes);
  CHECK(decoded.rows.empty());
  CHECK(decoded.problems.total == 100000);
  CHECK(decoded.problems.kept.size() == 100);
  CHECK(printable(decoded.problems));
}

TEST_CASE("every prefix of a table gives a prefix of its rows") {
  for (const char* name : kFixtures) {
    INFO(name);
    const std::string bytes = read_fixture(name);
    const auto whole = decode(bytes);
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
      const auto decoded = decode(std::string_view(bytes).substr(0, size));
      REQUIRE(decoded.rows.size() <= whole.rows.size());
      for (std::size_t i = 0; i < decoded.rows.size(); ++i) {
        REQUIRE(decoded.rows[i].inode == whole.rows[i].inode);
        if (!is_cut_row(bytes, size, decoded.rows[i].offset)) REQUIRE(summary(decoded.rows[i]) == summary(whole.rows[i]));
      }
      const bool at_boundary = size == 0 || bytes[size - 1] == '\n';
      REQUIRE(decoded.problems.empty() == at_boundary);
    }
  }
}

TEST_CASE("what stands behind ref: TCP's columns as a whole, or none of them") {
  const std::string begin = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1596 1 ";
  const auto row_of = [&](const std::string& tail) {
    const auto decoded = decode_proc_net_inet(begin + tail + "\n", ByteOrder::little);
    REQUIRE(decoded.problems.empty());
    REQUIRE(decoded.rows.size() == 1);
    return decoded.rows.front();
  };
  const auto whole = row_of("00000000a1b2c3d4 20 4 30 10 -1");
  CHECK(whole.pointer == 0xa1b2c3d4);
  REQUIRE(whole.tcp);
  CHECK((whole.tcp->rto_ticks == 20 && whole.tcp->ato_ticks == 4 && whole.tcp->quick_acks == 30));
  CHECK((whole.tcp->cwnd == 10 && whole.tcp->ssthresh == -1));
  // TIME_WAIT; UDP, with its drops; a hidden pointer; something else.
  CHECK_FALSE(row_of("00000000a1b2c3d4").tcp);
  CHECK_FALSE(row_of("00000000a1b2c3d4 0").tcp);
  CHECK(row_of("(____ptrval____) 20 4 30 10 -1").pointer == 0);
  CHECK_FALSE(row_of("00000000a1b2c3d4 20 4 30 10 x").tcp);
  CHECK_FALSE(row_of("").tcp);
}

TEST_CASE("a table that went through another system: CRLF, no header, a header in its midst, no newline at its end") {
  const std::string crlf = kGood.substr(0, kGood.size() - 1) + "\r\n";
  const auto windows = decode("  sl  local_address rem_address\r\n" + crlf + crlf);
  CHECK(windows.problems.empty());
  REQUIRE(windows.rows.size() == 2);
  CHECK(windows.rows[1].tcp);
  CHECK(windows.rows[1].tcp->ssthresh == -1);
  CHECK(decode(crlf).problems.empty());

  // Without its newline a row may lack digits: its last word isn't read, what stands before it is.
  const std::string unended = kGood.substr(0, kGood.size() - 1);
  const auto decoded = decode(kGood + unended);
  REQUIRE(decoded.rows.size() == 2);
  CHECK(summary(decoded.rows[1]) == kGoodSummary + ' ' + std::to_string(kGood.size()) + " ref 2");
  CHECK_FALSE(decoded.rows[1].tcp);
  CHECK(first_message(decoded.problems).ends_with("; last row kept but for its last word"));
  CHECK(decoded.problems.kept[0].offset == kGood.size());
  // The inode is the last word: it may lack digits. Blanks behind it show that it doesn't.
  const std::string to_inode = unended.substr(0, unended.find(" 2 00000000"));
  CHECK(decode(to_inode).rows.empty());
  CHECK(first_message(decode(to_inode).problems).ends_with("; last row skipped"));
  REQUIRE(decode(to_inode + "   ").rows.size() == 1);
  CHECK(decode(to_inode + "   ").rows[0].inode == 4711);
}

TEST_CASE("columns of a vendor behind a row that ends at its pointer are not TCP's") {
  const std::string mini =
      "   7: 0100007F:1F90 0200000A:C350 06 00000000:00000000 03:00000AFF 00000000     0        0 0 3 00000000f7a1b2c0";
  for (const char* tail : {"", " 1 2 3 4 5", " 1 2 3 4 5 6 7"}) {
    const auto decoded = decode(mini + tail + "\n");
    CHECK(decoded.problems.empty());
    REQUIRE(decoded.rows.size() == 1);
    CHECK(decoded.rows[0].pointer == 0xf7a1b2c0);
    CHECK_FALSE(decoded.rows[0].tcp);
  }
  REQUIRE(decode(replaced(mini, " 0 3 ", " 4711 3 ") + " 1 2 3 4 5\n").rows.at(0).tcp);
}
