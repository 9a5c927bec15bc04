// /proc/net/protocols and /proc/net/sockstat: what the kernel counts itself.
#include <algorithm>
#include <sstream>

#include "decode/proc_net_protocols.h"
#include "decode/proc_net_sockstat.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

const std::string kRow =
    "TCP       2368      7     249   no     320   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  y  n  "
    "y  "
    "y  y  y  y\n";

std::string summary(const ProcNetProtocolsRow& row) {
  std::ostringstream out;
  out << row.name << ' ' << row.object_bytes << ' ' << row.sockets;
  if (row.memory_pages) out << " memory=" << *row.memory_pages;
  if (row.memory_pressure) out << " pressure=" << *row.memory_pressure;
  out << ' ' << row.max_header_bytes << ' ' << row.has_slab << ' ' << row.module;
  return out.str();
}

std::string summary(const ProcNetSockstatRow& row) {
  return row.section + "." + row.key + "=" + std::to_string(row.value);
}

std::string summary(const std::vector<ProcNetSockstatRow>& rows) {
  std::string out;
  for (const auto& row : rows) out += (out.empty() ? "" : " ") + summary(row);
  return out;
}

}  // namespace

TEST_CASE("/proc/net/protocols of the second scene") {
  const auto decoded = decode_proc_net_protocols(read_fixture("proc_net_protocols"));
  CHECK(decoded.problems.empty());
  const auto find = [&](std::string_view name) {
    const auto found = std::find_if(decoded.rows.begin(), decoded.rows.end(),
                                    [&](const auto& row) { return row.name == name; });
    REQUIRE(found != decoded.rows.end());
    return *found;
  };
  CHECK(find("PACKET").sockets == 2);
  CHECK_FALSE(find("PACKET").memory_pages);
  CHECK_FALSE(find("PACKET").memory_pressure);
  CHECK_FALSE(find("PACKET").has_slab);
  CHECK(find("UDPLITEv6").sockets == 1);
  CHECK(find("UDPLITEv6").memory_pages == 0);
  CHECK_FALSE(find("UDPLITEv6").memory_pressure);
  CHECK(find("MPTCP").memory_pressure == false);
  CHECK(find("MPTCP").sockets == 3);
  CHECK(find("MPTCP").module == "kernel");
  CHECK(summary(decode_proc_net_protocols(kRow).rows.at(0)) ==
        "TCP 2368 7 memory=249 pressure=0 320 1 kernel");
}

TEST_CASE("/proc/net/sockstat and sockstat6 of the second scene") {
  const auto v4 = decode_proc_net_sockstat(read_fixture("proc_net_sockstat"));
  CHECK(v4.problems.empty());
  CHECK(summary(v4.rows) ==
        "sockets.used=31 TCP.inuse=7 TCP.orphan=0 TCP.tw=0 TCP.alloc=9 TCP.mem=249 UDP.inuse=0 UDP.mem=0 "
        "UDPLITE.inuse=1 RAW.inuse=0 FRAG.inuse=0 FRAG.memory=0");
  CHECK(v4.rows[0].offset == 9);
  const auto v6 = decode_proc_net_sockstat(read_fixture("proc_net_sockstat6"));
  CHECK(v6.problems.empty());
  CHECK(summary(v6.rows) ==
        "TCP6.inuse=1 UDP6.inuse=0 UDPLITE6.inuse=1 RAW6.inuse=0 FRAG6.inuse=0 FRAG6.memory=0");
}

TEST_CASE("each corrupted column of /proc/net/protocols") {
  struct Row {
    const char* what;
    std::string from, to;
    std::string problem;
  };
  for (const Row& row : {
           Row{"nothing", kRow.substr(0, kRow.size() - 1), "",
               "expected protocol, a name, found nothing; row skipped"},
           Row{"size", "2368", "-1", "expected size, a decimal number, found 2 bytes (2d 31); row skipped"},
           Row{"sockets", " 7 ", " x ", "expected sockets, a decimal number, found 1 byte (78); row skipped"},
           Row{"memory", "249", "2.9",
               "expected memory, a decimal number, found 3 bytes (32 2e 39); row skipped"},
           Row{"press", "  no ", "  NO ",
               "expected press, yes or no or NI, found 2 bytes (4e 4f); row skipped"},
           Row{"maxhdr", "320", "3\xff",
               "expected maxhdr, a decimal number, found 2 bytes (33 ff); row skipped"},
           Row{"slab", "yes", "maybe",
               "expected slab, yes or no, found 5 bytes (6d 61 79 62 65); row skipped"},
           Row{"no module", kRow.substr(kRow.find("kernel"), kRow.size() - 1 - kRow.find("kernel")), "",
               "expected module, a name, found nothing; row skipped"},
       }) {
    INFO(row.what);
    const auto decoded = decode_proc_net_protocols(kRow + replaced(kRow, row.from, row.to) + kRow);
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == 1);
    REQUIRE(decoded.rows.size() == 2);
    CHECK(summary(decoded.rows[1]) == summary(decoded.rows[0]));
  }
  // A sum of per-CPU counters that were read one after the other.
  CHECK(decode_proc_net_protocols(replaced(kRow, " 7 ", "-1 ")).rows.at(0).sockets == -1);
}

TEST_CASE("each corrupted pair of /proc/net/sockstat") {
  struct Row {
    const char* what;
    std::string line;
    std::string read;
    std::string problem;
  };
  for (const Row& row : {
           Row{"section alone", "TCP:", "", ""},
           Row{"negative", "TCP: mem -3", "TCP.mem=-3", ""},
           Row{"nothing", "", "", "expected a section and ':', found nothing; row skipped"},
           Row{"no colon", "TCP inuse 3", "",
               "expected a section and ':', found 3 bytes (54 43 50); row skipped"},
           Row{"colon alone", ": inuse 3", "", "expected a section and ':', found 1 byte (3a); row skipped"},
           Row{"key alone", "TCP: inuse 3 orphan", "TCP.inuse=3",
               "expected a decimal number, found nothing; row skipped"},
           Row{"no number", "TCP: inuse 3 orphan \x1b[m tw 2", "TCP.inuse=3",
               "expected a decimal number, found 3 bytes (1b 5b 6d); row skipped"},
       }) {
    INFO(row.what);
    const auto decoded = decode_proc_net_sockstat(row.line + "\nUDP: inuse 5\n");
    CHECK(first_message(decoded.problems) == row.problem);
    CHECK(decoded.problems.total == (row.problem.empty() ? 0 : 1));
    CHECK(summary(decoded.rows) == row.read + (row.read.empty() ? "" : " ") + "UDP.inuse=5");
  }
}

TEST_CASE("every prefix of /proc/net/protocols and sockstat") {
  const auto words = [](const auto& row) { return summary(row); };
  check_text_prefixes(read_fixture("proc_net_protocols"), decode_proc_net_protocols, words);
  check_text_prefixes(read_fixture("proc_net_sockstat"), decode_proc_net_sockstat, words);
  check_text_prefixes(read_fixture("proc_net_sockstat6"), decode_proc_net_sockstat, words);
}

TEST_CASE("one counter of /proc/net/snmp") {
  const std::string bytes =
      "Ip: Forwarding DefaultTTL\nIp: 1 64\nIcmp: InMsgs\nIcmp: 3\nIcmpMsg: InType3\nIcmpMsg: 3\n"
      "Tcp: RtoMin MaxConn CurrEstab InSegs\nTcp: 200 -1 12 4711\nUdp: InDatagrams\nUdp: 5\n";
  CHECK(decode_proc_net_snmp_value(bytes, "Tcp", "CurrEstab") == 12);
  CHECK(decode_proc_net_snmp_value(bytes, "Tcp", "MaxConn") == -1);
  CHECK(decode_proc_net_snmp_value(bytes, "Udp", "InDatagrams") == 5);
  CHECK(decode_proc_net_snmp_value(bytes, "IcmpMsg", "InType3") == 3);
  CHECK_FALSE(decode_proc_net_snmp_value(bytes, "Tcp", "OutRsts"));
  CHECK_FALSE(decode_proc_net_snmp_value(bytes, "UdpLite", "InDatagrams"));
  CHECK_FALSE(decode_proc_net_snmp_value("Tcp: A CurrEstab\nTcp: 1\n", "Tcp", "CurrEstab"));
  CHECK_FALSE(decode_proc_net_snmp_value("Tcp: A CurrEstab\nUdp: 1 2\n", "Tcp", "CurrEstab"));
  CHECK_FALSE(decode_proc_net_snmp_value("Tcp: CurrEstab\nTcp: 1x\n", "Tcp", "CurrEstab"));
  // Cut anywhere: the number or none.
  const std::size_t end = bytes.find("Udp:");
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto value = decode_proc_net_snmp_value(bytes.substr(0, size), "Tcp", "CurrEstab");
    REQUIRE(value.has_value() == (size >= end));
    if (value) REQUIRE(*value == 12);
  }
}
