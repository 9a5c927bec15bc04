// netstat -r -i -g -s, and the rows of sockets that need more than /proc/net: SCTP, names of services, what it gives up for.
#include "render/netstat.h"
#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using render::NetstatOptions;

namespace {

model::Snapshot with(model::NetTables tables) {
  auto snapshot = scene();
  snapshot.net_tables[0] = std::move(tables);
  return snapshot;
}

std::string output(const model::Snapshot& snapshot, const NetstatOptions& options) {
  return render::render_netstat(snapshot, 0, options).output;
}

model::Route route(base::IpAddress destination, base::IpAddress mask, base::IpAddress gateway, std::uint32_t flags,
                   std::string interface) {
  model::Route out;
  out.destination = destination;
  out.mask = mask;
  out.gateway = gateway;
  out.flags = flags;
  out.interface = std::move(interface);
  return out;
}

}  // namespace

TEST_CASE("netstat -r") {
  model::NetTables tables;
  auto& routes = tables.routes.emplace();
  routes.push_back(route(any_v4(), any_v4(), ip({10, 9, 0, 254}), 3, "eth9"));
  routes.back().metric = 100;
  routes.push_back(route(ip({10, 20, 0, 0}), ip({255, 255, 0, 0}), any_v4(), 1, "et\x1bh10-long"));
  routes.back().mtu_bytes = 1400;
  routes.back().window_bytes = 4096;
  routes.back().irtt = 100;
  routes.push_back(route(ip({10, 41, 0, 0}), ip({255, 255, 255, 0}), any_v4(), 0x201, "*"));
  routes.back().metric = 4000000000;
  routes.push_back(route(ip({10, 42, 0, 0}), ip({255, 255, 255, 0}), any_v4(), 0, "down"));
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.routes = options.numeric = true;
  CHECK(output(snapshot, options) ==
        "Kernel IP routing table\n"
        "Destination     Gateway         Genmask         Flags   MSS Window  irtt Iface\n"
        "0.0.0.0         10.9.0.254      0.0.0.0         UG        0 0          0 eth9\n"
        "10.20.0.0       0.0.0.0         255.255.0.0     U      1400 4096     100 et\\x1bh10-long\n"
        "10.41.0.0       -               255.255.255.0   !         - -          - -\n");
  options.extended = 1;
  options.numeric = false;
  CHECK(output(snapshot, options) ==
        "Kernel IP routing table\n"
        "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n"
        "default         10.9.0.254      0.0.0.0         UG    100    0        0 eth9\n"
        "10.20.0.0       0.0.0.0         255.255.0.0     U     0      0        0 et\\x1bh10-long\n"
        "10.41.0.0       -               255.255.255.0   !     -294967296 -        0 -\n");
  options.extended = 2;
  CHECK(output(snapshot, options).find("10.20.0.0       0.0.0.0         255.255.0.0     U     0      0        0 et\\x1b   1400  4096   100\n") !=
        std::string::npos);
  options.extended = 3;
  CHECK(output(snapshot, options) == "Kernel IP routing table\n");
  options.unix_sockets = true;
  CHECK(render::render_netstat(snapshot, 0, options).complaint == "No routing for address family `unix'.");
}

TEST_CASE("netstat -r6") {
  model::NetTables tables;
  auto& routes = tables.routes6.emplace();
  routes.push_back(route(any_v6(), {}, any_v6(), 0x200200, "lo"));
  routes.back().metric = 0xffffffff;
  routes.back().ref_count = 1;
  routes.push_back(route(any_v6(), {}, any_v6(), 0x1000001, "cached"));
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.routes = options.inet6 = true;
  CHECK(output(snapshot, options) ==
        "Kernel IPv6 routing table\n"
        "Destination                    Next Hop                   Flag Met Ref  Use If\n"
        "[::]/0                         [::]                       !n   -1  1      0 lo\n");
  options.inet = true;
  const auto answer = render::render_netstat(snapshot, 0, options);
  CHECK(answer.output == "INET (IPv4) not configured in this system.\n");
  CHECK(answer.complaint == "/proc/net/route: No such file or directory");
}

TEST_CASE("netstat -i sorts by numbers and shows aliases") {
  model::NetTables tables;
  tables.counters = {{"eth10", 1, 2, 3, 4, 5, 6, 7, 8}, {"lo", 0, 0, 0, 0, 0, 0, 0, 0}, {"eth9", 0, 0, 0, 0, 0, 0, 0, 0},
                     {"gone", 0, 0, 0, 0, 0, 0, 0, 0}};
  tables.interfaces = {{"lo", 0x10049, 65536}, {"eth9", 0x1843, 1500}, {"eth10", 0, 9000}};
  tables.labels = {"eth9:10", "eth9", "eth9:2", "lo"};
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.interfaces = true;
  const std::string head =
      "Kernel Interface table\n"
      "Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";
  const std::string rest =
      "lo              65536        0      0      0 0             0      0      0      0 LRU\n";
  CHECK(output(snapshot, options) ==
        head +
            "eth9             1500        0      0      0 0             0      0      0      0 BMsRU\n"
            "eth9:2           1500      - no statistics available -                        BMsRU\n"
            "eth9:10          1500      - no statistics available -                        BMsRU\n" +
            rest);
  options.all = true;
  CHECK(output(snapshot, options).find("eth10            9000        1      2      3 4             5      6      7      8 [NO FLAGS]\n") !=
        std::string::npos);
}

TEST_CASE("netstat -g") {
  model::NetTables tables;
  tables.groups = {{"eth0", ip({224, 0, 0, 1}), 1}};
  tables.groups6 = {{"eth\n0", ip({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), 2}};
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.groups = true;
  const std::string head =
      "IPv6/IPv4 Group Memberships\n"
      "Interface       RefCnt Group\n"
      "--------------- ------ ---------------------\n";
  CHECK(output(snapshot, options) == head +
                                         "eth0            1      224.0.0.1\n"
                                         "eth\\x0a0        2      ff02::1\n");
  CHECK(output(scene(), options) == head);
  CHECK(render::render_netstat(scene(), 0, options).complaint == "netstat: no support for `AF INET (igmp)' on this system.");
}

TEST_CASE("netstat -s") {
  model::NetTables tables;
  tables.snmp = {{"Ip", {{"Forwarding", 2}, {"DefaultTTL", 64}, {"InReceives", 0}, {"InHdrErrors", 0}, {"OutTransmits", 18}}},
                 {"Icmp", {{"InMsgs", 6}, {"InDestUnreachs", 2}, {"InEchos", 0}, {"OutEchos", 1}}},
                 {"IcmpMsg", {{"InType3", 2}, {"InType8", 0}}},
                 {"Tcp", {{"RtoMin", 200}, {"ActiveOpens", 3}}},
                 {"Ud\x1bp", {{"K\x1bzy", 1}}}};
  tables.netstat = {{"TcpExt", {{"TW", 4}, {"TWKilled", 5}, {"TCPTimeouts", 6}, {"TCPHPHits", 0}, {"ListenDrops", 0}}}};
  tables.sctp_snmp = {{"", {{"SctpCurrEstab", 2}}}};
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.statistics = true;
  CHECK(output(snapshot, options) ==
        "Ip:\n    Forwarding: 2\n    0 total packets received\n    OutTransmits: 18\n"
        "Icmp:\n    6 ICMP messages received\n    ICMP input histogram:\n        destination unreachable: 2\n"
        "        ICMP output histogram:\n        echo requests: 1\n"
        "IcmpMsg:\n        InType3: 2\n"
        "Tcp:\n    3 active connection openings\n"
        "Ud\\x1bp:\n    K\\x1bzy: 1\n"
        "TcpExt:\n    4 TCP sockets finished time wait in fast timer\n    TWKilled: 5\n    TCPTimeouts: 6\n"
        "    0 packet headers predicted\n"
        "Sctp:\n    2 Current Associations\n");
  options.udp = true;
  CHECK(output(snapshot, options) == "IcmpMsg:\n    InType3: 2\nUd\\x1bp:\n    K\\x1bzy: 1\n");
  options.inet6 = options.unix_sockets = true;
  CHECK(output(snapshot, options) == "netstat: No statistics support for specified address family: inet6,unix\n");
  options.unix_sockets = false;
  CHECK(render::render_netstat(snapshot, 0, options).complaint == "cannot open /proc/net/snmp6: No such file or directory");
}

TEST_CASE("netstat -s6: the protocol is what the name of a counter begins with, up to the 6") {
  model::NetTables tables;
  tables.snmp6 = {{"", {{"Ip6InReceives", 5}, {"Icmp6InDestUnreachs", 1}, {"Icmp6InType1", 1}, {"UdpLite6InDatagrams", 0}, {"odd", 3}}}};
  tables.snmp = {{"Ip", {{"InReceives", 1}}}, {"Tcp", {{"ActiveOpens", 3}}}};
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.statistics = options.inet6 = true;
  CHECK(output(snapshot, options) ==
        "Ip6:\n    5 total packets received\n"
        "Icmp6:\n    ICMP input histogram:\n        destination unreachable: 1\n        Icmp6InType1: 1\n"
        "UdpLite6:\nodd:\n        odd: 3\n"
        "Tcp:\n    3 active connection openings\n");
}

TEST_CASE("netstat -S") {
  model::NetTables tables;
  tables.sctp_endpoints = {{10, 0, 0, 1000, 4711, 5000, 0, {ip({10, 0, 0, 1}), ip({10, 0, 1, 1})}, {}}};
  tables.sctp_associations = {
      {1, 12, 11, 0, 4712, 12345, 54321, {ip({127, 0, 0, 1})}, {ip({127, 0, 0, 2}), ip({10, 0, 0, 2})}},
      {77, 0, 0, 0, 0, 1, 2, {ip({127, 0, 0, 1})}, {ip({127, 0, 0, 2})}}};
  const auto snapshot = with(std::move(tables));
  NetstatOptions options;
  options.sctp = options.all = options.numeric = options.programs = true;
  options.extended = 1;
  const std::string text = output(snapshot, options);
  CHECK(text.substr(text.find("sctp")) ==
        "sctp                10.0.0.1:5000                                   LISTEN     \n"
        "                    10.0.1.1:5000                                              "
        " 1000       4711       80/python3          \n"
        "sctp      12     11 127.0.0.1:12345         127.0.0.2:54321         ESTABLISHED\n"
        "                                            10.0.0.2                           "
        " 0          4712       -                   \n"
        "sctp       0      0 127.0.0.1:1             127.0.0.2:2             UNKNOWN(77) 0          0          -                   \n");
  options.all = false;
  CHECK(output(snapshot, options).find("10.0.1.1") == std::string::npos);
  options.listening = true;
  CHECK(output(snapshot, options).find("12345") == std::string::npos);
}

TEST_CASE("netstat gives up at the first table that it was asked for and doesn't find") {
  auto snapshot = scene();
  snapshot.proc_net_rows.push_back({});
  snapshot.proc_net_rows.back().view = model::View::proc_net_udp6;
  for (const char* file : {"tcp", "udp"}) {
    model::AccountLine line;
    line.table = file;
    line.listed = 0;
    snapshot.account.push_back(line);
  }
  NetstatOptions options;
  options.tcp = options.sctp = options.udp = options.all = true;
  auto answer = render::render_netstat(snapshot, 0, options);
  CHECK(answer.complaint == "netstat: no support for `AF INET (sctp)' on this system.");
  CHECK(answer.output.find("udp6") == std::string::npos);
  options.sctp = false;
  answer = render::render_netstat(snapshot, 0, options);
  CHECK(answer.complaint.empty());
  CHECK(answer.output.find("udp6") != std::string::npos);
  options.udplite = options.unix_sockets = true;
  answer = render::render_netstat(snapshot, 0, options);
  CHECK(answer.complaint == "netstat: no support for `AF INET (udplite)' on this system.");
  CHECK(answer.output.find("UNIX") == std::string::npos);
  options.udplite = false;
  CHECK(render::render_netstat(snapshot, 0, options).complaint == "netstat: no support for `AF UNIX' on this system.");
  // Asked for nothing, it misses nothing.
  CHECK(render::render_netstat(snapshot, 0, {}).complaint.empty());
}

TEST_CASE("netstat without -n: the archive's names, the last of a port; a long one at the address's expense") {
  auto snapshot = scene();
  snapshot.services = {{"first", 8080, "tcp", {}}, {"a-very-long-service-name\x1b", 8080, "tcp", {}}, {"other", 8080, "udp", {}}};
  snapshot.proc_net_rows.push_back({});
  snapshot.proc_net_rows.back().view = model::View::proc_net_tcp6;
  NetstatOptions options;
  options.tcp = options.all = true;
  // Escaped before it is cut: 22 columns of which the service takes 18.
  CHECK(output(snapshot, options).find(" :::a-very-long-servic   :::*   ") != std::string::npos);
  options.wide = true;
  CHECK(output(snapshot, options).find(" :::a-very-long-service-name\\x1b :::* ") != std::string::npos);
  options.numeric_ports = true;
  CHECK(output(snapshot, options).find(" :::8080 ") != std::string::npos);
}
