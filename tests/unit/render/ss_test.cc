#include "render/ss.h"

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using model::DumpRow;
using render::SsOptions;

namespace {

// A snapshot whose only table is one dump.
model::Snapshot dumped(std::uint16_t family, std::uint16_t protocol) {
  auto result = snapshot();
  result.first_dump = std::make_unique<model::FirstDump>();
  result.first_dump->tables.insert({0, family, protocol});
  return result;
}

DumpRow& add(model::Snapshot& snapshot, std::uint16_t family, std::uint16_t protocol, std::uint8_t state) {
  DumpRow& row = snapshot.first_dump->rows.emplace_back();
  row.family = family;
  row.protocol = protocol;
  row.state = state;
  if (family == model::kFamilyInet) row.local.address = row.peer.address = any_v4();
  if (family == model::kFamilyInet6) row.local.address = row.peer.address = any_v6();
  return row;
}

SsOptions of_family(std::uint16_t family) {
  SsOptions options;
  options.selection.add_family(family);
  options.selection.all_states();
  options.selection.finish();
  options.header = false;
  options.numeric = true;
  return options;
}

SsOptions of_table(std::uint32_t table) {
  SsOptions options;
  options.selection.add_table(table);
  options.selection.all_states();
  options.selection.finish();
  options.header = false;
  options.numeric = true;
  return options;
}

// Without the blanks that fill up the last column.
std::string trimmed(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    at = end + 1;
  }
  return out;
}

std::string rest_of(const std::string& line) {
  // Behind the peer's port.
  const auto at = line.find_first_not_of(' ', line.rfind("*") + 1);
  return at == std::string::npos ? "" : line.substr(at, line.find_last_not_of("\n ") + 1 - at);
}

}  // namespace

TEST_CASE("rows of TCP and UDP: addresses, ports, timers, owners") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
  snap.first_dump->tables.insert({0, model::kFamilyInet6, model::kProtocolTcp});
  snap.processes = {process(80, "python3"), process(81, "s)h"), process(82, "e\x1b[2J")};
  auto& six = add(snap, model::kFamilyInet6, model::kProtocolTcp, model::kStateListen);
  six.local.port = 8080;
  six.send_queue = 100;
  six.inode = 4711;
  six.cookie = 0x1234;
  six.uid = 33;
  six.socket = 0;
  six.details.v6only = false;
  six.details.shutdown = 1;
  six.details.mark = 0xff;
  six.details.cgroup_id = 7;
  six.details.tos = 0;
  six.details.tclass = 0x68;
  six.details.class_id = 5;
  auto& four = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateTimeWait);
  four.local = {ip({10, 0, 0, 5}), 22, 2, {}};
  four.peer = {ip({10, 0, 0, 6}), 40000, 9, {}};
  four.timer = 3;
  four.expires_msec = 59123;
  // ss doesn't know of the state; and a state that it was not asked for.
  add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateUnconn).local.port = 1;
  add(snap, model::kFamilyInet, model::kProtocolUdp, model::kStateUnconn).local.port = 2;
  snap.cgroups = {{7, "/system.slice/a\nb"}};
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v6(), 8080);
  listener.inode = 4711;
  listener.owners = {owner(0, {3, 5}), owner(1, {4}), owner(2, {6}), owner(77, {1})};
  for (auto& one : listener.owners) one.passes = 1;
  auto later = owner(0, {9});
  later.passes = 2;
  listener.owners.push_back(later);
  snap.sockets.push_back(std::move(listener));

  auto options = of_table(analyze::kTcp);
  options.processes = options.timers = options.extended = options.tos = options.cgroups = true;
  // IPv4 comes first, whatever the order of the dump.
  CHECK(render_ss(snap, 0, options) ==
        "TIME-WAIT 0      0      10.0.0.5%eth0:22   10.0.0.6:40000 timer:(timewait,59sec,0) ino:0 sk:0\n"
        "LISTEN    0      100                *:8080        *:*     users:((\"e\\x1b[2J\",pid=82,fd=6),(\"s\",pid=81,fd=4),"
        "(\"python3\",pid=80,fd=5),(\"python3\",pid=80,fd=3)) uid:33 ino:4711 sk:1234 fwmark:0xff cgroup:/system.slice/a\\x0ab "
        "v6only:0 -->" " tos:0 tclass:0x68 class_id:0x5 cgroup:/system.slice/a\\x0ab\n");
  // -T names the thread.
  auto threads = of_table(analyze::kTcp);
  threads.threads = true;
  CHECK(render_ss(snap, 0, threads).find("(\"s\",pid=81,tid=81,fd=4)") != std::string::npos);
  // -6 -4: the last one decides what is asked for.
  SsOptions last = threads;
  last.selection = {};
  last.selection.add_table(analyze::kTcp);
  last.selection.add_family(model::kFamilyInet6);
  last.selection.add_family(model::kFamilyInet);
  last.selection.all_states();
  last.selection.finish();
  CHECK(render_ss(snap, 0, last) == "TIME-WAIT 0      0      10.0.0.5%eth0:22 10.0.0.6:40000\n");
}

TEST_CASE("durations of timers") {
  const std::pair<std::uint32_t, const char*> cases[] = {
      {0, ""},          {1, "001ms"},       {200, "200ms"},    {1000, "1sec"},      {3024, "3.024ms"},
      {9999, "9.999ms"}, {12345, "12sec"},  {60000, "1min"},   {61500, "1min1sec"}, {75000, "1min15sec"},
      {599999, "9min59sec"}, {630000, "10min"}, {7200000, "120min"}};
  for (const auto& [msec, text] : cases) {
    auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
    auto& row = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateEstab);
    row.timer = 2;
    row.expires_msec = msec;
    row.retransmits = 4;
    auto options = of_table(analyze::kTcp);
    options.timers = true;
    CHECK(rest_of(render_ss(snap, 0, options)) == "timer:(keepalive," + std::string(text) + ",4)");
  }
}

TEST_CASE("names of services, protocols and interfaces come from the archive") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
  snap.services = {{"domain", 53, "udp", {}}, {"domain-s", 53, "tcp", {}}, {"shadow\x1b", 40000, "tcp", {}}, {"second", 53, "tcp", {}}};
  auto options = of_table(analyze::kTcp);
  options.numeric = false;
  const auto port_of = [&](std::uint16_t port) {
    snap.first_dump->rows.clear();
    auto& row = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateEstab);
    row.local.port = port;
    row.local.interface_index = 77;
    const std::string text = render_ss(snap, 0, options);
    const auto at = text.find("%if77:") + 6;
    return text.substr(at, text.find(' ', at) - at);
  };
  CHECK(port_of(53) == "domain-s");
  CHECK(port_of(54) == "54");
  CHECK(port_of(0) == "*");
  CHECK(port_of(40000) == "shadow\\x1b");
  // A client's own port is never looked up: up to 4999 where the kernel's range is not known.
  CHECK(port_of(4999) == "4999");
  snap.namespaces[0].local_ports = model::PortRange{32768, 60999};
  CHECK(port_of(40000) == "40000");
  options.numeric = true;
  CHECK(port_of(53) == "53");
}

TEST_CASE("-i of TCP: what is 0 is left out, what was not sent is 0") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
  auto& row = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateEstab);
  auto options = of_table(analyze::kTcp);
  options.info = true;
  options.numeric = false;
  // Nothing was sent: an empty line of details.
  CHECK(render_ss(snap, 0, options).ends_with("\n\t\n"));
  row.details.congestion = "a-name-of-more-than-fifteen-bytes";
  row.details.info = {{"options", 0, 0x7},     {"snd_wscale", 0, 7},   {"rcv_wscale", 0, 8},        {"rto", 0, 204000},
                      {"rtt", 0, 1234},        {"rttvar", 0, 500},     {"ato", 0, 40000},           {"snd_mss", 0, 1448},
                      {"snd_cwnd", 0, 10},     {"snd_ssthresh", 0, 0x7fffffff}, {"pacing_rate", 0, 12500000},
                      {"max_pacing_rate", 0, ~std::uint64_t{0}},  {"delivery_rate", 0, 125}, {"delivery_rate_app_limited", 0, 1},
                      {"busy_time", 0, 8000},  {"rwnd_limited", 0, 2000}, {"total_retrans", 0, 3},  {"sacked", 0, 2},
                      {"reordering", 0, 3},    {"rcv_rtt", 0, 1000000}, {"min_rtt", 0, 0xffffffff}, {"snd_wnd", 0, 65536}};
  const auto details = [&] {
    const std::string text = render_ss(snap, 0, options);
    const auto at = text.find("\n\t");
    return text.substr(at + 2, text.size() - at - 3);
  };
  CHECK(details() ==
        " a-name-of-more- wscale:7,8 rto:204 rtt:1.234/0.5 ato:40 mss:1448 cwnd:10 send 93.9Mbps pacing_rate 100Mbps "
        "delivery_rate 1kbps app_limited busy:8ms rwnd_limited:2ms(25.0%) retrans:0/3 sacked:2 rcv_rtt:1000 snd_wnd:65536");
  // With timers, the options too; with -n, bits; with -m, memory before it; of a listener no sacked.
  options.timers = options.memory = options.numeric = true;
  row.state = model::kStateListen;
  row.details.congestion.clear();
  row.details.skmeminfo = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  row.details.info = {{"options", 0, 0x3b}, {"sacked", 0, 2}, {"pacing_rate", 0, 125}, {"max_pacing_rate", 0, 250}};
  CHECK(details() == " skmem:(r1,rb2,t3,tb4,f5,w6,o7,bl8,d9) ts sack ecn ecnseen fastopen pacing_rate 1000bps/2000bps reordering:0");
  options.timers = false;
  row.details.skmeminfo = {1, 2, 3, 4, 5, 6, 7};
  row.details.info = {{"reordering", 0, 3}, {"vegas_enabled", 0, 1}, {"vegas_rtt", 0, 1000}, {"rtt", 0, 0}, {"snd_mss", 0, 100},
                      {"snd_cwnd", 0, 1},   {"dctcp_enabled", 0, 1}, {"dctcp_alpha", 0, 9}, {"bbr_bw_lo", 0, 100},
                      {"bbr_min_rtt", 0, 5}, {"bbr_pacing_gain", 0, 739}};
  CHECK(details() ==
        " skmem:(r1,rb2,t3,tb4,f5,w6,o7) mss:100 cwnd:1 dctcp:(ce_state:0,alpha:9,ab_ecn:0,ab_tot:0) "
        "bbr:(bw:800bps,mrtt:0.005,pacing_gain:2.88672) send 800000bps");
  row.details.skmeminfo.clear();
  row.attributes.meminfo = {1, 2, 3, 4};
  row.details.info = {{"reordering", 0, 3}, {"dctcp_enabled", 0, 0}};
  CHECK(details() == " mem:(r1,w2,f3,t4) dctcp:fallback_mode");
}

TEST_CASE("-i: TLS, MPTCP and MD5") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
  auto& row = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateEstab);
  auto options = of_table(analyze::kTcp);
  options.info = options.one_line = true;
  row.attributes.ulp_name = "tls\n";
  row.attributes.tls = model::TlsAttributes{std::uint16_t{0x0304}, std::uint16_t{52}, std::uint16_t{2}, std::uint16_t{9}, true};
  CHECK(rest_of(render_ss(snap, 0, options)) ==
        "tcp-ulp-tls\\x0a version: 1.3 cipher: aes-gcm-256 rxconf: unknown(9) txconf: sw zc_ro_tx");
  row.attributes = {};
  row.attributes.ulp_name = "mptcp";
  row.attributes.subflow.emplace();
  auto& subflow = *row.attributes.subflow;
  subflow.flags = 0x1c3;
  subflow.remote_token = 0x12;
  subflow.local_token = 0xabcdef01;
  subflow.remote_id = 0;
  subflow.local_id = 2;
  subflow.map_sequence = 0xfedcba9876543210;
  subflow.map_subflow_sequence = 1;
  subflow.subflow_sequence_offset = 0x10;
  subflow.map_data_length = 255;
  CHECK(rest_of(render_ss(snap, 0, options)) ==
        "tcp-ulp-mptcp flags:Mmecv token:0012(id:0)/abcdef01(id:2) seq:fedcba9876543210 sfseq:1 ssnoff:10 maplen:ff");
  row.attributes = {};
  row.attributes.md5_peers = {{{ip({192, 0, 2, 1}), 32}, {any_v6(), 0}}};
  CHECK(rest_of(render_ss(snap, 0, options)) == "md5keys:192.0.2.1/32=,::/0=");
  // They come with tcp_info alone.
  options.info = false;
  options.memory = true;
  CHECK(rest_of(render_ss(snap, 0, options)).empty());
}

TEST_CASE("SCTP, DCCP and MPTCP") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolSctp);
  auto& endpoint = add(snap, model::kFamilyInet, model::kProtocolSctp, model::kStateListen);
  endpoint.local.port = 2905;
  endpoint.inode = 77;
  auto& association = add(snap, model::kFamilyInet, model::kProtocolSctp, 3);
  association.local = {ip({10, 0, 0, 5}), 2905, 0, {}};
  association.peer = {ip({10, 0, 0, 6}), 2906, 0, {}};
  association.inode = 77;
  association.timer = 1;
  association.expires_msec = 1500;
  association.details.rare.make().further_locals = {ip({10, 0, 0, 5}), ip({10, 0, 1, 5})};
  association.details.rare.make().further_peers = {ip({10, 0, 0, 6})};
  association.details.info = {{"tag", 0, 0xbeef}, {"state", 0, 3}, {"rwnd", 0, 1000}, {"peer_tag", 0, 0x10}, {"peer_sack", 0, 1},
                              {"s_nodelay", 0, 1}};
  auto options = of_table(analyze::kSctp);
  options.info = options.timers = true;
  options.one_line = true;
  CHECK(render_ss(snap, 0, options) ==
        "LISTEN   0      0       0.0.0.0:2905  0.0.0.0:*   \n"
        "`- ESTAB 0      0      10.0.0.5:2905 10.0.0.6:2906 timer:(T3_RTX,1.500ms,0) locals:10.0.0.5,10.0.1.5 peers:10.0.0.6 "
        "tag:beef state:ESTAB rwnd:1000 ptag:10 psack:1 nodelay:1\n");

  auto mptcp = dumped(model::kFamilyInet, model::kProtocolMptcp);
  auto& row = add(mptcp, model::kFamilyInet, model::kProtocolMptcp, model::kStateEstab);
  row.details.info = {{"subflows", 0, 1}, {"flags", 0, 3}, {"token", 0, 0xab}, {"rcv_nxt", 0, 0x1f}};
  auto both = of_table(analyze::kMptcp | analyze::kDccp);
  both.info = true;
  CHECK(render_ss(mptcp, 0, both) == "mptcp ESTAB 0      0      0.0.0.0:* 0.0.0.0:*\n\t subflows:1 fallback remote_key token:ab rcv_nxt:1f\n");
}

TEST_CASE("raw sockets through netlink have their protocol for a name; without it they come from /proc/net/raw") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolRaw);
  snap.ip_protocols = {{1, "icmp"}, {89, "ospf"}};
  auto& row = add(snap, model::kFamilyInet, model::kProtocolRaw, model::kStateUnconn);
  row.local.port = 1;
  row.attributes.ip_protocol = 1;
  auto options = of_table(analyze::kRaw | analyze::kUdp);
  options.numeric = false;
  CHECK(render_ss(snap, 0, options) == "??? UNCONN 0      0      0.0.0.0:icmp 0.0.0.0:*\n");

  snap.first_dump->tables.clear();
  snap.first_dump->rows.clear();
  for (const std::uint16_t protocol : {std::uint16_t{89}, std::uint16_t{253}}) {
    auto& listed = add(snap, model::kFamilyInet, model::kProtocolRaw, model::kStateUnconn);
    listed.listed = true;
    listed.local = {ip({127, 0, 0, 1}), protocol, 0, {}};
    listed.recv_queue = 5;
    listed.timer = 1;
  }
  options.extended = options.timers = options.info = true;
  CHECK(render_ss(snap, 0, options) ==
        "raw UNCONN 5      0      127.0.0.1:ospf        0.0.0.0:*\n"
        "raw UNCONN 5      0      127.0.0.1:ipproto-253 0.0.0.0:*\n");
}

TEST_CASE("rows of /proc/net, where there is no netlink") {
  auto snap = snapshot();
  snap.first_dump = std::make_unique<model::FirstDump>();
  auto& row = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateEstab);
  row.listed = true;
  row.local.port = 80;
  row.cookie = 0xabc;
  row.inode = 9;
  row.timer = 1;
  row.expires_msec = 210;
  row.attributes.listed_tcp = model::ListedTcp{20, 4, 30, 10, -1};
  auto options = of_table(analyze::kTcp);
  options.extended = options.timers = options.info = options.memory = true;
  CHECK(rest_of(render_ss(snap, 0, options)) == "timer:(on,210ms,0) ino:9 sk:abc rto:0.2 ato:0.04 qack:15 bidir cwnd:10 reordering:0");
  row.attributes.listed_tcp = {};
  row.timer = 0;
  CHECK(rest_of(render_ss(snap, 0, options)) == "ino:9 sk:abc cwnd:2 reordering:0");
  // Other tables have no such columns; those that ss reads through netlink alone show nothing.
  CHECK(render_ss(snap, 0, of_table(analyze::kMptcp)).empty());

  snap.first_dump->rows.clear();
  const auto unix_row = [&](std::uint16_t type, std::uint64_t inode, std::optional<std::string> name) {
    auto& one = add(snap, model::kFamilyUnix, type, model::kStateEstab);
    one.listed = true;
    one.inode = inode;
    one.attributes.unix_name = std::move(name);
  };
  unix_row(5, 30, "/run/a b");
  unix_row(1, 40, std::nullopt);
  unix_row(1, 20, " @x");
  CHECK(render_ss(snap, 0, of_family(model::kFamilyUnix)) ==
        "u_str ESTAB 0      0          @x 20 * 0\nu_str ESTAB 0      0           * 40 * 0\nu_seq ESTAB 0      0      /run/a 30 * 0\n");
}

TEST_CASE("UNIX sockets") {
  auto snap = dumped(model::kFamilyUnix, 0);
  auto& stream = add(snap, model::kFamilyUnix, model::kSocketStream, model::kStateListen);
  stream.attributes.unix_name = std::string("\0a\0b\n", 5);
  stream.inode = 10;
  stream.send_queue = 5;
  stream.attributes.has_pending_inodes = true;
  stream.details.rare.make().pending_inodes = {11, 12};
  stream.details.shutdown = 0;
  auto& dgram = add(snap, model::kFamilyUnix, model::kSocketDgram, model::kStateUnconn);
  dgram.attributes.unix_name = "/run/log";
  dgram.inode = 4000000000;
  dgram.peer_inode = 13;
  dgram.details.rare.make().vfs_inode = 99;
  dgram.details.rare.make().vfs_device = 254u << 20;
  dgram.details.shutdown = 3;
  dgram.details.skmeminfo = {0, 1, 2, 3, 4, 5, 6};
  add(snap, model::kFamilyUnix, model::kSocketSeqpacket, model::kStateEstab).inode = 14;
  auto options = of_family(model::kFamilyUnix);
  options.extended = options.memory = true;
  CHECK(trimmed(render_ss(snap, 0, options)) ==
        "u_str LISTEN 0      5      @a@b\\x0a 10         * 0  <-> peers: 11 12\n"
        "u_dgr UNCONN 0      0      /run/log -294967296 * 13 skmem:(r0,rb1,t2,tb3,f4,w5,o6) --- ino:99 dev:0/65024\n"
        "u_seq ESTAB  0      0             * 14         * 0\n");
}

TEST_CASE("packet, netlink, vsock, XDP and TIPC sockets") {
  auto snap = dumped(model::kFamilyPacket, 0);
  snap.processes = {process(42, "daemon")};
  auto& packet = add(snap, model::kFamilyPacket, 3, model::kStateUnconn);
  packet.local.interface_index = 2;
  packet.details.packet = std::make_unique<model::PacketDetails>();
  packet.details.packet->ethertype = 0x88cc;
  packet.details.packet->version = 1;
  packet.details.packet->flags = 0x3;
  packet.details.packet->rx_ring = model::Ring{4096, 8, 2048, 16};
  packet.attributes.rx_times = {60, 1};
  packet.details.packet->fanout = 9u << 16 | 7;
  packet.details.packet->filter = {{40, 0, 0, 12}, {6, 0, 255, 0xffffffff}};
  auto options = of_family(model::kFamilyPacket);
  options.extended = options.filters = true;
  CHECK(render_ss(snap, 0, options) ==
        "p_raw UNCONN 0      0      [35020]:eth0 * ino:0 sk:0\n\tver:1 cpy_thresh:0 flags( running auxdata )\n"
        "\tring_rx(blk_size:4096,blk_nr:8,frm_size:2048,frm_nr:16,tmo:60,features:0x1)\n\tfanout(id:7,type:0x9)\n"
        "\tbpf filter (2):  0x28 0 0 12, 0x06 0 255 4294967295,\n");
  options.numeric = false;
  options.one_line = true;
  options.extended = false;
  CHECK(render_ss(snap, 0, options) == "p_raw UNCONN 0      0      LLDP:eth0 * bpf filter (2):  0x28 0 0 12, 0x06 0 255 4294967295,\n");

  const auto netlink = [&](std::uint32_t port, std::uint8_t state) {
    auto& row = add(snap, model::kFamilyNetlink, 16, state);
    row.local.port = port;
    row.peer.port = 7;
    row.attributes.peer_group = 3;
    row.attributes.first_groups = 0x11;
  };
  snap.first_dump->rows.clear();
  netlink(0, 7);
  netlink(42, 1);
  netlink(43, 0);
  netlink(0xfffff000, 7);
  netlink(0xffffffff, 7);
  auto nl = of_family(model::kFamilyNetlink);
  nl.numeric = false;
  CHECK(render_ss(snap, 0, nl) ==
        "UNCONN 0      0      genl:kernel     * \nUNCONN 0      0      genl:daemon/42 3:7\nUNCONN 0      0      genl:43         * \n"
        "UNCONN 0      0      genl:-4096      * \nUNCONN 0      0      genl:*          * \n");
  nl.numeric = nl.extended = true;
  snap.first_dump->rows.resize(1);
  CHECK(render_ss(snap, 0, nl) == "UNCONN 0      0      16:0 * sk=0 cb=0 groups=0x00000011\n");

  snap.first_dump->rows.clear();
  auto& vsock = add(snap, model::kFamilyVsock, model::kSocketStream, model::kStateListen);
  vsock.local = {{}, 1024, 0, 0xffffffff};
  vsock.peer = {{}, 0xffffffff, 0, 2};
  add(snap, model::kFamilyVsock, 9, model::kStateEstab);
  CHECK(render_ss(snap, 0, of_family(model::kFamilyVsock)) ==
        "v_str LISTEN 0      0      *:1024 2:*\n???   ESTAB  0      0      0:0    0:0\n");

  snap.first_dump->rows.clear();
  auto& xdp = add(snap, model::kFamilyXdp, 3, model::kStateUnconn);
  xdp.local.interface_index = 2;
  xdp.local.port = 1;
  xdp.details.xdp = std::make_unique<model::XdpDetails>();
  xdp.details.xdp->rx_ring_entries = 64;
  xdp.details.xdp->fill_ring_entries = 32;
  xdp.attributes.xdp_memory = model::XdpMemory{8192, 1, 2, 4096, 0, 2, 1, 1, 1};
  xdp.attributes.xdp_counters = model::XdpCounters{1, 2, 3, 4, 5, 6};
  auto extended = of_family(model::kFamilyXdp);
  extended.extended = true;
  CHECK(render_ss(snap, 0, extended) ==
        "UNCONN 0      0      eth0:q1 * ino:0 sk:0\n\trx(entries:64)\n"
        "\tumem(id:1,size:8192,num_pages:2,chunk_size:4096,headroom:0,ifindex:2,qid:1,zc:1,refs:1)\n\tfr(entries:32)\n"
        "\tstats(rx dropped:1,rx invalid:2,rx queue full:3,rx fill ring empty:4,tx invalid:5,tx ring empty:6)\n");

  snap.first_dump->rows.clear();
  auto& tipc = add(snap, model::kFamilyTipc, 4, model::kStateEstab);
  tipc.local = {{}, 3000000000, 0, 0x1001001};
  tipc.attributes.tipc.emplace();
  tipc.attributes.tipc->published = true;
  tipc.attributes.tipc->drops = 2;
  auto more = of_family(model::kFamilyTipc);
  more.tipc_info = true;
  CHECK(render_ss(snap, 0, more) == "ESTAB 0      0      16781313:3000000000 -\n type:RDM cong:none  drop:2  publ\n");
}

TEST_CASE("-s: the kernel's counters") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
  snap.first_dump->counters[0] = {{"sockets.used", 200}, {"TCP.inuse", 5},  {"TCP.orphan", 1}, {"TCP.tw", 2},
                                  {"TCP.alloc", 12},     {"TCP6.inuse", 3}, {"UDP.inuse", 4},  {"RAW6.inuse", 1},
                                  {"Tcp.CurrEstab", 6}};
  SsOptions options;
  options.summary = true;
  options.selection.finish();
  CHECK(render_ss(snap, 0, options) ==
        "Total: 200\nTCP:   14 (estab 6, closed 6, orphaned 1, timewait 2)\n\n"
        "Transport Total     IP        IPv6\nRAW\t  1         0         1        \nUDP\t  4         4         0        \n"
        "TCP\t  8         5         3        \nINET\t  13        9         4        \nFRAG\t  0         0         0        \n\n");
  // Hostile counters wrap, as they would in ss; none at all are 0.
  snap.first_dump->counters[0] = {{"TCP.alloc", INT64_MAX}, {"TCP.tw", INT64_MIN}};
  CHECK(render_ss(snap, 0, options).starts_with("Total: 0\nTCP:   -1 "));
}

TEST_CASE("--explain tells what ss can't know") {
  auto snap = dumped(model::kFamilyInet, model::kProtocolTcp);
  snap.processes = {process(80, "python3"), process(81, "sh")};
  auto& row = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateListen);
  row.socket = 0;
  row.inode = 4711;
  auto& waiting = add(snap, model::kFamilyInet, model::kProtocolTcp, model::kStateTimeWait);
  waiting.socket = 1;
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80);
  listener.inode = 4711;
  listener.owners = {owner(0, {3}), owner(1, {4})};
  listener.owners[0].passes = 1;
  listener.owners[1].via = model::Via::io_uring;
  snap.sockets.push_back(std::move(listener));
  auto gone = inet_socket(model::kProtocolTcp, model::kStateTimeWait, any_v4(), 80);
  gone.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::time_wait, "closed\nby its process"};
  snap.sockets.push_back(std::move(gone));
  snap.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateBoundInactive, any_v4(), 81));
  snap.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateEstab, any_v4(), 82));
  snap.namespaces.emplace_back();
  snap.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 83));
  snap.sockets.back().netns = 1;
  auto options = of_table(analyze::kTcp);
  options.processes = options.explain = true;
  const std::string text = render_ss(snap, 0, options);
  CHECK(text.find("  └ ss reads the fd tables of processes only: sh[81] holds it too (in an io_uring") != std::string::npos);
  CHECK(text.find("  └ no process: time-wait, closed\\x0aby its process\n") != std::string::npos);
  CHECK(text.find("ss can't show 1 socket bound but neither listening nor connected: it doesn't know of the state\n") !=
        std::string::npos);
  CHECK(text.find("ss can't show 1 socket without a row in the first dump\n") != std::string::npos);
  CHECK(text.ends_with("ss shows its own network namespace only: 1 socket of these tables in 1 other namespace\n"));
  // The rows themselves are as without it.
  options.explain = false;
  const std::string plain = render_ss(snap, 0, options);
  CHECK(text.starts_with(plain.substr(0, plain.find('\n') + 1)));
}
