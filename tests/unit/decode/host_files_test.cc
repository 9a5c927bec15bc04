#include "decode/host_files.h"

#include <algorithm>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

TEST_CASE("/etc/passwd of Debian 12") {
  const auto decoded = decode_passwd(read_fixture("passwd"));
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() > 15);
  CHECK(decoded.rows.front().name == "root");
  CHECK(decoded.rows.front().uid == 0);
  CHECK(decoded.rows.back().name == "demo");
  CHECK(decoded.rows.back().uid == 1000);
}

TEST_CASE("passwd lines: what is passed over, what is a problem") {
  struct Row {
    const char* what;
    std::string line;
    std::size_t rows, problems;
  };
  for (const Row& row : {
           Row{"good", "a:x:7:7:::\n", 1, 0},
           Row{"nothing after the uid", "a:x:7:\n", 1, 0},
           Row{"any byte in a name", "\xff\x1b:x:7:7:::\n", 1, 0},
           Row{"highest uid", "a:x:4294967295:7:::\n", 1, 0},
           Row{"comment", "# a:x:7:7:::\n", 0, 0},
           Row{"empty", "\n", 0, 0},
           Row{"NIS", "+a:x:7:7:::\n", 0, 0},
           Row{"NIS, excluded", "-a:x:7:7:::\n", 0, 0},
           Row{"no name", ":x:7:7:::\n", 0, 1},
           Row{"no uid", "a:x::7:::\n", 0, 1},
           Row{"uid not a number", "a:x:7x:7:::\n", 0, 1},
           Row{"negative uid", "a:x:-1:7:::\n", 0, 1},
           Row{"uid too large", "a:x:4294967296:7:::\n", 0, 1},
           Row{"ends at the uid", "a:x:7\n", 0, 1},
           Row{"one field", "a\n", 0, 1},
           Row{"two fields", "a:x\n", 0, 1},
       }) {
    INFO(row.what);
    const auto decoded = decode_passwd(row.line + "last:x:9:9:::\n");
    CHECK(decoded.rows.size() == row.rows + 1);
    CHECK(decoded.problems.total == row.problems);
    CHECK(printable(decoded.problems));
    CHECK(decoded.rows.back().uid == 9);
  }
}

TEST_CASE("the last line of passwd may lack its newline, but no field") {
  CHECK(decode_passwd("a:x:7:7::/home/a:/bin/sh").rows.size() == 1);
  const std::string bytes = "root:x:0:0:root:/root:/bin/bash\ndemo:x:1000:1000:Demo:/home/demo:/bin/bash\n";
  const auto whole = decode_passwd(bytes);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::string prefix = bytes.substr(0, size);
    const auto decoded = decode_passwd(prefix);
    REQUIRE(decoded.rows.size() <= whole.rows.size());
    for (std::size_t i = 0; i < decoded.rows.size(); ++i) {
      REQUIRE(decoded.rows[i].name == whole.rows[i].name);
      REQUIRE(decoded.rows[i].uid == whole.rows[i].uid);
    }
    // From the sixth colon of its line on a cut can't be seen.
    const std::string last = prefix.substr(prefix.rfind('\n') + 1);
    const bool whole_row = last.empty() || std::count(last.begin(), last.end(), ':') == 6;
    REQUIRE(decoded.problems.empty() == whole_row);
  }
}

TEST_CASE("/etc/protocols: the names, and what is no line of them") {
  const auto decoded = decode_protocols("ip\t0\tIP\t# pseudo\nhopopt 0 HOPOPT\nicmp 1 ICMP\n#x 2 X\n");
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 3);
  CHECK((decoded.rows[0].name == "ip" && decoded.rows[0].number == 0));
  CHECK((decoded.rows[2].name == "icmp" && decoded.rows[2].number == 1));
  for (const char* bad : {"icmp\n", "icmp x\n", "icmp -1\n", "icmp 4294967296\n", "icmp 1x\n"}) {
    INFO(bad);
    const auto one = decode_protocols(std::string(bad) + "last 9 LAST\n");
    CHECK(one.rows.size() == 1);
    CHECK(one.problems.total == 1);
  }
}

TEST_CASE("/etc/services: names, ports, protocols, aliases") {
  const auto decoded = decode_services(
      "# Network services\n\n"
      "ssh\t\t22/tcp\t\t\t\t# SSH Remote Login Protocol\n"
      "domain 53/udp\n"
      "http 80/tcp www  www-http\t# WorldWideWeb\n"
      "   \t# indented\n"
      "last 65535/sctp");
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 4);
  CHECK(decoded.rows[0].name == "ssh");
  CHECK(decoded.rows[0].port == 22);
  CHECK(decoded.rows[0].protocol == "tcp");
  CHECK(decoded.rows[0].aliases.empty());
  CHECK(decoded.rows[1].protocol == "udp");
  CHECK(decoded.rows[2].aliases == std::vector<std::string>{"www", "www-http"});
  CHECK(decoded.rows[3].port == 65535);
}

TEST_CASE("a line of services that is none costs itself alone") {
  for (const char* line : {"ssh", "ssh 22", "ssh 22/", "ssh /tcp", "ssh x/tcp", "ssh -1/tcp", "ssh 65536/tcp", "22/tcp ssh",
                           "ssh 22 /tcp", "\x1b[31m"}) {
    INFO(line);
    const auto decoded = decode_services(std::string(line) + "\nlast 1/tcp\n");
    REQUIRE(decoded.rows.size() == 1);
    CHECK(decoded.rows[0].name == "last");
    CHECK(decoded.problems.total == 1);
    CHECK(printable(decoded.problems));
  }
  const std::string bytes = "https 443/tcp www\nhttps 443/udp # QUIC\n";
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto decoded = decode_services(std::string_view(bytes).substr(0, size));
    CHECK(decoded.rows.size() + decoded.problems.total <= 2);
  }
  std::string aliases = "many 1/tcp";
  for (int i = 0; i < 1000; ++i) aliases += " alias";
  CHECK(decode_services(aliases).rows.at(0).aliases.size() == 64);
}

TEST_CASE("the range that the kernel chooses ports from") {
  const std::string bytes = "32768\t60999\n";
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    REQUIRE(decode_ip_local_port_range(std::string_view(bytes).substr(0, size)).has_value() == (size == bytes.size()));
  const auto range = decode_ip_local_port_range(bytes);
  CHECK(range->first == 32768);
  CHECK(range->last == 60999);
  for (const char* text : {"", "\n", "1\n", "1 x\n", "x 1\n", "1 65536\n", "1 2 3\n", "-1 2\n"}) {
    INFO(text);
    CHECK_FALSE(decode_ip_local_port_range(text));
  }
}

TEST_CASE("the boot time of /proc/stat") {
  const std::string bytes = read_fixture("proc_stat");
  CHECK(decode_proc_stat_btime(bytes) == 1795305530);
  const std::size_t enough = bytes.find('\n', bytes.find("btime")) + 1;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    REQUIRE(decode_proc_stat_btime(std::string_view(bytes).substr(0, size)).has_value() == (size >= enough));
  }
  for (const char* text : {"", "btime\n", "btime \n", "btime x\n", "btime 1x\n", "btime 1 2\n", "xbtime 1\n",
                           "btime 9223372036854775808\n"}) {
    INFO(text);
    CHECK_FALSE(decode_proc_stat_btime(text));
  }
  CHECK(decode_proc_stat_btime("btime -5\n") == -5);
}

TEST_CASE("/proc/uptime in hundredths") {
  const std::string bytes = read_fixture("proc_uptime");
  const auto whole = decode_proc_uptime_csec(bytes);
  REQUIRE(whole);
  CHECK(*whole > 100000);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto uptime = decode_proc_uptime_csec(std::string_view(bytes).substr(0, size));
    REQUIRE(uptime.has_value() == (size > bytes.find(' ')));
    if (uptime) REQUIRE(uptime == whole);
  }
  CHECK(decode_proc_uptime_csec("4711.05 9000.99\n") == 471105);
  CHECK(decode_proc_uptime_csec("0.00\n") == 0);
  for (const char* text :
       {"", "1", "1.", "1.05", "1 \n", "1.5 \n", "1.050 \n", "-1.05 \n", "1.-5 \n", "1.+5 \n", "x.05 \n",
        ".05 \n", "1.0x \n", "92233720368547758.07 \n", "18446744073709551616.00 \n"}) {
    INFO(text);
    CHECK_FALSE(decode_proc_uptime_csec(text));
  }
}
