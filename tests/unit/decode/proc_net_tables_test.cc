// /proc/net/{dev,route,ipv6_route,igmp,igmp6,snmp,netstat,snmp6}: the tables that are not about sockets.
#include <sstream>

#include "decode/proc_net_dev.h"
#include "decode/proc_net_igmp.h"
#include "decode/proc_net_route.h"
#include "decode/proc_net_snmp.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

constexpr auto kLittle = ByteOrder::little;

std::string summary(const ProcNetDevRow& row) {
  std::ostringstream out;
  out << row.name << " rx";
  for (const auto value : {row.rx_bytes, row.rx_packets, row.rx_errors, row.rx_dropped, row.rx_fifo, row.rx_frame,
                           row.rx_compressed, row.rx_multicast})
    out << ' ' << value;
  out << " tx";
  for (const auto value : {row.tx_bytes, row.tx_packets, row.tx_errors, row.tx_dropped, row.tx_fifo, row.tx_collisions,
                           row.tx_carrier, row.tx_compressed})
    out << ' ' << value;
  return out.str();
}

std::string summary(const ProcNetRouteRow& row) {
  std::ostringstream out;
  out << row.destination.to_string() << '/' << (row.mask.length != 0 ? row.mask.to_string() : std::to_string(row.prefix_length))
      << " via " << row.gateway.to_string() << std::hex << " flags " << row.flags << std::dec << " metric " << row.metric << " ref "
      << row.ref_count << " use " << row.use << " mtu " << row.mtu_bytes << " window " << row.window_bytes << " irtt " << row.irtt
      << " on " << row.interface;
  return out.str();
}

std::string summary(const ProcNetIgmpRow& row) {
  return row.interface + ' ' + row.group.to_string() + ' ' + std::to_string(row.users);
}

std::string summary(const ProcNetSnmpSection& section) {
  std::string out = section.name + ':';
  for (const auto& [key, value] : section.values) out += ' ' + key + '=' + std::to_string(value);
  return out;
}

ssnap::base::Decoded<ProcNetRouteRow> route(std::string_view bytes) { return decode_proc_net_route(bytes, kLittle); }
ssnap::base::Decoded<ProcNetIgmpRow> igmp(std::string_view bytes) { return decode_proc_net_igmp(bytes, kLittle); }

// A good row before and after a bad one: the bad one is a problem that names what was expected, and the others stay.
template <class Decode>
void check_bad_rows(Decode decode, const std::string& good, const std::vector<std::pair<std::string, std::string>>& bad) {
  for (const auto& [row, expected] : bad) {
    INFO(row);
    const auto decoded = decode(good + row + "\n" + good);
    CHECK(decoded.rows.size() == 2 * decode(good).rows.size());
    CHECK(decoded.problems.total == 1);
    CHECK(first_message(decoded.problems).find(expected) != std::string::npos);
    CHECK(printable(decoded.problems));
  }
}

}  // namespace

TEST_CASE("/proc/net/dev") {
  const auto bytes = read_fixture("proc_net_dev");
  const auto decoded = decode_proc_net_dev(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 5);
  CHECK(summary(decoded.rows[0]) == "lo rx 101272 24 0 0 0 0 0 0 tx 101272 24 0 0 0 0 0 0");
  CHECK(decoded.rows[4].name == "a-long-name-15b");
  CHECK(summary(decode_proc_net_dev("eth0:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551615\n").rows.at(0)) ==
        "eth0 rx 1 2 3 4 5 6 7 8 tx 9 10 11 12 13 14 15 18446744073709551615");
  check_text_prefixes(bytes, decode_proc_net_dev, [](const auto& row) { return summary(row); });
  check_bad_rows(decode_proc_net_dev, "lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
                 {{"no colon 1 2 3", "a name and ':'"},
                  {": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "a name and ':'"},
                  {"", "a name and ':'"},
                  {"e: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "16 decimal numbers"},
                  {"e: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -1", "16 decimal numbers"},
                  {"e: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551616", "16 decimal numbers"},
                  {"e: 1 2\x1b", "16 decimal numbers"}});
}

TEST_CASE("/proc/net/route") {
  const auto bytes = read_fixture("proc_net_route");
  const auto decoded = route(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 10);
  CHECK(summary(decoded.rows[0]) == "0.0.0.0/0.0.0.0 via 10.9.0.254 flags 3 metric 100 ref 0 use 0 mtu 0 window 0 irtt 0 on eth9");
  CHECK(summary(decoded.rows[4]) ==
        "10.20.0.0/255.255.0.0 via 10.10.0.2 flags 3 metric 0 ref 0 use 0 mtu 1400 window 4096 irtt 100 on eth10");
  CHECK(decoded.rows[5].metric == 4000000000);
  CHECK(decoded.rows[6].interface == "*");
  CHECK(decode_proc_net_route("e\t0A0B0C00\t00000000\t0001\t0\t0\t-1\tFFFFFF00\t0\t0\t0\n", ByteOrder::big).rows.at(0).destination.to_string() ==
        "10.11.12.0");
  CHECK(route("e\t00000000\t00000000\t0001\t0\t0\t-1\t00000000\t0\t0\t0\n").rows.at(0).metric == 4294967295);
  check_text_prefixes(bytes, route, [](const auto& row) { return summary(row); });
  const std::string good = "e 00000000 00000000 0001 0 0 0 00000000 0 0 0\n";
  check_bad_rows(route, good,
                 {{"", "an interface"},
                  {"e 0000000 00000000 0001 0 0 0 00000000 0 0 0", "Destination"},
                  {"e 000000000 00000000 0001 0 0 0 00000000 0 0 0", "Destination"},
                  {"e 00000000 0000000g 0001 0 0 0 00000000 0 0 0", "Gateway"},
                  {"e 00000000 00000000 -1 0 0 0 00000000 0 0 0", "Flags"},
                  {"e 00000000 00000000 0001 x 0 0 00000000 0 0 0", "RefCnt"},
                  {"e 00000000 00000000 0001 0 4294967296 0 00000000 0 0 0", "Use"},
                  {"e 00000000 00000000 0001 0 0 +1 00000000 0 0 0", "Metric"},
                  {"e 00000000 00000000 0001 0 0 0 0 0 0 0", "Mask"},
                  {"e 00000000 00000000 0001 0 0 0 00000000 m 0 0", "MTU"},
                  {"e 00000000 00000000 0001 0 0 0 00000000 0 w 0", "Window"},
                  {"e 00000000 00000000 0001 0 0 0 00000000 0 0", "IRTT"}});
}

TEST_CASE("/proc/net/ipv6_route") {
  const auto bytes = read_fixture("proc_net_ipv6_route");
  const auto decoded = decode_proc_net_ipv6_route(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 12);
  CHECK(summary(decoded.rows[1]) ==
        "fd00:20::/48 via fd00:9::3 flags 400003 metric 1024 ref 2 use 0 mtu 0 window 0 irtt 0 on eth9");
  CHECK(decoded.rows[11].metric == 0xffffffff);
  check_text_prefixes(bytes, decode_proc_net_ipv6_route, [](const auto& row) { return summary(row); });
  const std::string zeros(32, '0');
  const std::string good = zeros + " 40 " + zeros + " 00 " + zeros + " 00000100 00000002 00000000 00000001 lo\n";
  check_bad_rows(decode_proc_net_ipv6_route, good,
                 {{zeros.substr(1) + " 40", "a destination"},
                  {"g" + zeros.substr(1) + " 40", "a destination"},
                  {zeros + " x", "its prefix length"},
                  {zeros + " 40 0", "a source"},
                  {zeros + " 40 " + zeros + " -", "its prefix length"},
                  {zeros + " 40 " + zeros + " 00 -", "a gateway"},
                  {zeros + " 40 " + zeros + " 00 " + zeros + " m", "a metric"},
                  {zeros + " 40 " + zeros + " 00 " + zeros + " 0 r", "a reference count"},
                  {zeros + " 40 " + zeros + " 00 " + zeros + " 0 0 u", "a use count"},
                  {zeros + " 40 " + zeros + " 00 " + zeros + " 0 0 0 100000000", "flags"},
                  {zeros + " 40 " + zeros + " 00 " + zeros + " 0 0 0 1", "an interface"}});
}

TEST_CASE("/proc/net/igmp and igmp6") {
  const auto bytes = read_fixture("proc_net_igmp");
  const auto decoded = igmp(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 5);
  CHECK(summary(decoded.rows[0]) == "lo 224.0.0.1 1");
  CHECK(summary(decoded.rows[1]) == "eth10 239.1.2.3 1");
  CHECK(summary(decoded.rows[4]) == "a-long-name-15b 224.0.0.1 1");
  check_text_prefixes(bytes, igmp, [](const auto& row) { return summary(row); });
  check_bad_rows(igmp, "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n",
                 {{"x\tlo        :     1      V3", "an interface's number"},
                  {"2", "a device"},
                  {"\t\t\t\t010000E", "a group"},
                  {"\t\t\t\t010000E0     x", "Users"}});
  // The groups of a device that could not be read are not another one's.
  const auto orphaned = igmp("1\tlo        :     1      V3\nx\teth0        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n");
  CHECK(orphaned.rows.empty());
  CHECK(orphaned.problems.total == 2);

  const auto bytes6 = read_fixture("proc_net_igmp6");
  const auto decoded6 = decode_proc_net_igmp6(bytes6);
  CHECK(decoded6.problems.empty());
  REQUIRE(decoded6.rows.size() == 14);
  CHECK(summary(decoded6.rows[5]) == "eth9 ff02::1:3 1");
  check_text_prefixes(bytes6, decode_proc_net_igmp6, [](const auto& row) { return summary(row); });
  check_bad_rows(decode_proc_net_igmp6, "1    lo              ff020000000000000000000000000001     1 0000000C 0\n",
                 {{"x lo ff020000000000000000000000000001 1", "an interface's number"},
                  {"1", "a device"},
                  {"1 lo ff02", "a group"},
                  {"1 lo ff020000000000000000000000000001 x", "users"}});
}

TEST_CASE("/proc/net/snmp and netstat") {
  const auto bytes = read_fixture("proc_net_snmp");
  const auto decoded = decode_proc_net_snmp(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 6);
  CHECK(summary(decoded.rows[2]) == "IcmpMsg: InType3=2 InType8=1 InType13=1 InType14=1 OutType0=2 OutType3=2 OutType8=1 OutType13=1");
  CHECK(decoded.rows[3].values.at(3) == std::pair<std::string, std::uint64_t>("MaxConn", 18446744073709551615u));
  const auto netstat = decode_proc_net_snmp(read_fixture("proc_net_netstat"));
  CHECK(netstat.problems.empty());
  REQUIRE(netstat.rows.size() == 3);
  CHECK(netstat.rows[0].name == "TcpExt");
  CHECK(netstat.rows[0].values.size() > 100);
  CHECK(summary(decode_proc_net_snmp("\nA: x y\nA: 1 2 3\nB:\nB:\n").rows.at(0)) == "A: x=1 y=2");
  CHECK(summary(decode_proc_net_snmp("\nA: x y\nA: 1 2 3\nB:\nB:\n").rows.at(1)) == "B:");

  for (std::size_t size = 0; size < bytes.size(); ++size) {
    INFO(size);
    const auto prefix = decode_proc_net_snmp(std::string_view(bytes).substr(0, size));
    bool at_boundary = size == 0;
    for (std::size_t i = 0; i < prefix.rows.size(); ++i) {
      REQUIRE(summary(prefix.rows[i]) == summary(decoded.rows[i]));
      const std::size_t end = i + 1 < decoded.rows.size() ? decoded.rows[i + 1].offset : bytes.size();
      at_boundary = at_boundary || end == size;
    }
    REQUIRE(prefix.problems.empty() == at_boundary);
  }

  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"A x\nA 1\n", "after a line of titles"},
           {": x\n: 1\n", "after a line of titles"},
           {"A: x\nB: 1\n", "the name of the line before"},
           {"A: x\n\x1b: 1\n", "the name of the line before"},
           {"A: x y\nA: 1\n", "a decimal number for each title"},
           {"A: x y\nA: 1 z\n", "a decimal number for each title"},
           {"A: x y\nA: 1 18446744073709551616\n", "a decimal number for each title"},
           {"A: x\n", "a line of values"}}) {
    INFO(text);
    const auto bad = decode_proc_net_snmp("Good: a\nGood: 1\n" + text);
    CHECK(summary(bad.rows.at(0)) == "Good: a=1");
    CHECK(bad.problems.total == 1);
    CHECK(first_message(bad.problems).find(expected) != std::string::npos);
    CHECK(printable(bad.problems));
  }
  // A value that can't be read ends its section; those before it are kept.
  CHECK(summary(decode_proc_net_snmp("A: x y z\nA: 1 - 3\n").rows.at(0)) == "A: x=1");
}

TEST_CASE("/proc/net/snmp6") {
  const auto bytes = read_fixture("proc_net_snmp6");
  const auto decoded = decode_proc_net_snmp6(bytes);
  CHECK(decoded.problems.empty());
  REQUIRE(decoded.rows.size() == 1);
  const auto& values = decoded.rows[0].values;
  REQUIRE(values.size() > 50);
  CHECK(values[0].first == "Ip6InReceives");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto prefix = decode_proc_net_snmp6(std::string_view(bytes).substr(0, size));
    if (!prefix.rows.empty()) {
      REQUIRE(prefix.rows.size() == 1);
      REQUIRE(std::equal(prefix.rows[0].values.begin(), prefix.rows[0].values.end(), values.begin()));
    }
    REQUIRE(prefix.problems.empty() == (size == 0 || bytes[size - 1] == '\n'));
  }
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"\n", "a name"}, {"Key\n", "a decimal number"}, {"Key x\n", "a decimal number"}, {"\x1b \x1b\n", "a decimal number"}}) {
    INFO(text);
    const auto bad = decode_proc_net_snmp6("Good 1\n" + text + "Last 2\n");
    CHECK(summary(bad.rows.at(0)) == ": Good=1 Last=2");
    CHECK(bad.problems.total == 1);
    CHECK(first_message(bad.problems).find(expected) != std::string::npos);
    CHECK(printable(bad.problems));
  }
}
