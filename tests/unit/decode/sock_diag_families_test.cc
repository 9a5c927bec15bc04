// vsock, XDP, TIPC and SMC: this kernel has no handler of them, so the records are made by hand.
#include <sstream>

#include "decode/smc_diag.h"
#include "decode/tipc_diag.h"
#include "decode/vsock_diag.h"
#include "decode/xdp_diag.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

constexpr ByteOrder kOrders[] = {ByteOrder::little, ByteOrder::big};
const std::string kCookie = "6153737367135073092";

void put_unnamed(std::ostringstream& out, const std::vector<UnnamedAttribute>& unnamed) {
  for (const auto& a : unnamed)
    out << " unnamed=" << a.type << '@' << a.payload.offset << '+' << a.payload.length;
}

std::string words(ByteOrder order, std::initializer_list<std::uint32_t> values) {
  Bytes bytes(order);
  for (const auto value : values) bytes.u32(value);
  return bytes.str();
}

std::string summary(const VsockDiagRecord& row) {
  std::ostringstream out;
  out << int{row.type} << ' ' << int{row.state} << ' ' << int{row.shutdown} << ' ' << row.local_cid << ':'
      << row.local_port << ' ' << row.peer_cid << ':' << row.peer_port << ' ' << row.inode << ' '
      << row.cookie;
  put_unnamed(out, row.unnamed);
  return out.str();
}

std::string vsock_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 40) {
  return Bytes(order)
      .u8(family)
      .u8(1)
      .u8(10)
      .u8(2)
      .raw(words(order, {2, 1000, ~0u, ~0u, 4711}))
      .u32(0x11223344)
      .u32(0x55667788)
      .str();
}

std::string summary(const XdpDiagRecord& row) {
  std::ostringstream out;
  out << int{row.type} << ' ' << row.inode << ' ' << row.cookie;
  const auto put = [&out](const char* name, const auto& value) {
    if (value) out << ' ' << name << '=' << *value;
  };
  if (row.info) out << " info=" << row.info->interface_index << ',' << row.info->queue_id;
  put("uid", row.uid), put("rx", row.rx_ring_entries), put("tx", row.tx_ring_entries);
  put("fill", row.fill_ring_entries), put("completion", row.completion_ring_entries);
  if (row.umem) {
    const auto& u = *row.umem;
    out << " umem=" << u.size_bytes << ',' << u.id << ',' << u.page_count << ',' << u.chunk_size_bytes << ','
        << u.headroom_bytes << ',' << u.interface_index << ',' << u.queue_id << ',' << u.flags << ','
        << u.ref_count;
  }
  if (row.stats) {
    const auto& s = *row.stats;
    out << " stats=" << s.rx_dropped << ',' << s.rx_invalid << ',' << s.rx_full << ',' << s.fill_ring_empty
        << ',' << s.tx_invalid << ',' << s.tx_ring_empty;
  }
  for (const auto word : row.skmeminfo) out << " mem=" << word;
  put_unnamed(out, row.unnamed);
  return out.str();
}

std::string xdp_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 44) {
  return Bytes(order).u8(family).u8(3).u16(0).u32(4711).u32(0x11223344).u32(0x55667788).str();
}

std::string summary(const TipcDiagRecord& row) {
  std::ostringstream out;
  const auto put = [&out](const char* name, const auto& value) {
    if (value) out << ' ' << name << '=' << *value;
  };
  put("type", row.type), put("state", row.state), put("node", row.node), put("port", row.port);
  put("inode", row.inode), put("uid", row.uid), put("cookie", row.cookie);
  if (row.published) out << " published";
  if (row.connection) {
    out << " connection";
    put("node", row.connection->peer_node), put("port", row.connection->peer_port);
    put("service", row.connection->service_type), put("instance", row.connection->service_instance);
  }
  put("recv", row.recv_queue), put("send", row.send_queue), put("drops", row.drops);
  if (row.link_congested) out << " link";
  if (row.connection_congested) out << " connection";
  if (row.group) out << " group@" << row.group->offset << '+' << row.group->length;
  put_unnamed(out, row.unnamed);
  return out.str();
}

std::string tipc_socket(const std::string& attributes, ByteOrder order = ByteOrder::little) {
  return message(20, attribute(2, attributes, order), order);
}

std::string summary(const SmcDiagRecord& row) {
  std::ostringstream out;
  out << int{row.state} << ' ' << int{row.mode} << ' ' << row.local.to_string() << ' ' << row.local_port
      << ' ' << row.peer.to_string() << ' ' << row.peer_port << ' ' << row.interface_index << ' '
      << row.cookie << ' ' << row.uid << ' ' << row.inode;
  if (row.shutdown) out << " shutdown=" << int{*row.shutdown};
  if (row.fallback) out << " fallback=" << row.fallback->reason << ',' << row.fallback->peer_diagnosis;
  for (const auto* span : {&row.connection_info, &row.link_group_info, &row.dmb_info}) {
    if (*span) out << " span@" << (*span)->offset << '+' << (*span)->length;
  }
  put_unnamed(out, row.unnamed);
  return out.str();
}

std::string smc_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 43,
                    const std::string& local = "\x7f\0\0\1"s + std::string(12, '\0')) {
  Bytes bytes(order);
  bytes.u8(family).u8(1).u8(2).u8(9).u16_network(8080).u16_network(40000).raw(local);
  bytes.raw("\x0a\0\0\2"s).zeros(12).u32(5).u32(0x11223344).u32(0x55667788).u32(1000).u64(0x100001267);
  return bytes.str();
}

}  // namespace

TEST_CASE("families without a handler end with ENOENT") {
  const auto check = [](const auto& dump) {
    CHECK(dump.end.done);
    CHECK(dump.end.errno_number == 2);
    CHECK(dump.rows.empty());
    CHECK(dump.problems.empty());
  };
  check(decode_vsock_diag(read_fixture("vsock_diag.pcap")));
  check(decode_xdp_diag(read_fixture("xdp_diag.pcap")));
  check(decode_tipc_diag(read_fixture("tipc_diag.pcap")));
  check(decode_smc_diag(read_fixture("smc_diag.pcap")));
}

TEST_CASE("every field of a vsock record, in both byte orders") {
  for (const auto order : kOrders) {
    const VsockDiagDump dump = decode_vsock_diag(
        pcap(message(20, vsock_msg(order) + attribute(1, "new", order), order) + done(0, order), order));
    CHECK(dump.problems.empty());
    CHECK(dump.end.done);
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) ==
          "1 10 2 2:1000 4294967295:4294967295 4711 " + kCookie + " unnamed=1@108+3");
    CHECK(dump.rows[0].offset == 24 + 32);
  }
}

TEST_CASE("every field of an XDP record, in both byte orders") {
  for (const auto order : kOrders) {
    const std::string attributes =
        attribute(1, words(order, {2, 3}), order) + attribute(2, words(order, {1000}), order) +
        attribute(3, words(order, {64}), order) + attribute(4, words(order, {65}), order) +
        attribute(5, Bytes(order).u64(1ull << 33).raw(words(order, {1, 2, 3, 4, 5, 6, 7, 8})).str(), order) +
        attribute(6, words(order, {66}), order) + attribute(7, words(order, {67}), order) +
        attribute(8, words(order, {21, 22}), order) +
        attribute(9, Bytes(order).u64(1).u64(2).u64(3).u64(4).u64(5).u64(6).str(), order) +
        attribute(42, "new", order);
    const XdpDiagDump dump =
        decode_xdp_diag(pcap(message(20, xdp_msg(order) + attributes, order) + done(0, order), order));
    CHECK(dump.problems.empty());
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) ==
          "3 4711 " + kCookie +
              " info=2,3 uid=1000 rx=64 tx=65 fill=66 completion=67 umem=8589934592,1,2,3,4,5,6,7,8 "
              "stats=1,2,3,4,5,6 mem=21 mem=22 unnamed=42@252+3");
  }
}

TEST_CASE("every field of a TIPC record, in both byte orders") {
  for (const auto order : kOrders) {
    const auto u32 = [order](std::uint16_t type, std::uint32_t value) {
      return attribute(type, words(order, {value}), order);
    };
    const std::string connection =
        attribute(1, "", order) + u32(2, 21) + u32(3, 22) + u32(4, 23) + u32(5, 24);
    const std::string stat =
        u32(0, 31) + u32(1, 32) + attribute(2, "", order) + attribute(3, "", order) + u32(4, 33);
    const std::string socket = u32(1, 11) + u32(2, 12) + attribute(3, connection, order) +
                               attribute(4, "", order) + attribute(5, stat, order) + u32(6, 1) +
                               u32(7, 4711) + u32(8, 1000) + u32(9, 10) + attribute(11, "", order) +
                               attribute(10, Bytes(order).u64(0x100000001).str(), order) +
                               attribute(12, "group", order) + attribute(42, "new", order);
    const TipcDiagDump dump = decode_tipc_diag(
        pcap(message(20, attribute(0x8002, socket, order) + attribute(3, "", order), order) + done(0, order),
             order));
    CHECK(dump.problems.empty());
    CHECK(dump.end.done);
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) ==
          " type=1 state=10 node=11 port=12 inode=4711 uid=1000 cookie=4294967297 published connection "
          "node=21 port=22 service=23 instance=24 recv=31 send=32 drops=33 link connection group@224+5 "
          "unnamed=42@236+3 unnamed=3@244+0");
    CHECK(dump.rows[0].offset == 24 + 32);
  }
}

TEST_CASE("every field of an SMC record, in both byte orders") {
  for (const auto order : kOrders) {
    const std::string attributes = attribute(1, std::string(76, '\0'), order) + attribute(2, "lgr", order) +
                                   attribute(3, "\x03", order) + attribute(4, "dmb", order) +
                                   attribute(5, words(order, {7, 8}), order) + attribute(42, "new", order);
    const SmcDiagDump dump =
        decode_smc_diag(pcap(message(20, smc_msg(order) + attributes, order) + done(0, order), order));
    CHECK(dump.problems.empty());
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) == "1 2 127.0.0.1 8080 10.0.0.2 40000 5 " + kCookie +
                                       " 1000 4294972007 shutdown=3 fallback=7,8 span@140+76 span@220+3 "
                                       "span@236+3 unnamed=42@256+3");
  }
  const std::string loopback6 = std::string(15, '\0') + "\x01";
  const SmcDiagDump v6 = decode_smc_diag(pcap(message(20, smc_msg(ByteOrder::little, 43, loopback6))));
  REQUIRE(v6.rows.size() == 1);
  CHECK(v6.rows[0].local.to_string() == "::1");
  CHECK(v6.rows[0].peer.is_v6());
}

TEST_CASE("each corrupted field of vsock, XDP, TIPC and SMC records") {
  struct Row {
    const char* what;
    int family;
    std::string bad;
    std::string problem;
    std::string first;  // "" where the record is skipped
  };
  const std::string vsock = "1 10 2 2:1000 4294967295:4294967295 4711 " + kCookie;
  const std::string xdp = "3 4711 " + kCookie;
  const std::string smc = "1 2 127.0.0.1 8080 10.0.0.2 40000 5 " + kCookie + " 1000 4294972007";
  const std::string no_tile =
      "expected a whole attribute, found 4 bytes that are none; the record is kept with the attributes "
      "before";
  const auto with_xdp = [](const std::string& attributes) { return message(20, xdp_msg() + attributes); };
  const auto with_smc = [](const std::string& attributes) { return message(20, smc_msg() + attributes); };
  const auto without = [](const char* name, int expected, int found) {
    return std::string(name) + ": expected " + std::to_string(expected) + " bytes, found " +
           std::to_string(found) + "; the record is kept without it";
  };
  for (const Row& row : {
           Row{"short vsock", 40, message(20, vsock_msg().substr(0, 31)),
               "expected a vsock_diag_msg of 32 bytes, found 31; record skipped", ""},
           Row{"vsock family", 40, message(20, vsock_msg(ByteOrder::little, 41)),
               "expected family 40, found 41; record skipped", ""},
           Row{"vsock tiling", 40, message(20, vsock_msg() + "\xff\xff\0\0"s), no_tile, vsock},
           Row{"short XDP", 44, message(20, xdp_msg().substr(0, 15)),
               "expected an xdp_diag_msg of 16 bytes, found 15; record skipped", ""},
           Row{"XDP family", 44, message(20, xdp_msg(ByteOrder::little, 0)),
               "expected family 44, found 0; record skipped", ""},
           Row{"info", 44, with_xdp(attribute(1, "abc")), without("XDP_DIAG_INFO", 8, 3), xdp},
           Row{"uid", 44, with_xdp(attribute(2, "abc")), without("XDP_DIAG_UID", 4, 3), xdp},
           Row{"rx", 44, with_xdp(attribute(3, "abc")), without("XDP_DIAG_RX_RING", 4, 3), xdp},
           Row{"tx", 44, with_xdp(attribute(4, "abc")), without("XDP_DIAG_TX_RING", 4, 3), xdp},
           Row{"longer tx", 44, with_xdp(attribute(4, "\x05\0\0\0later"s)), "", xdp + " tx=5"},
           Row{"umem", 44, with_xdp(attribute(5, std::string(39, 'x'))), without("XDP_DIAG_UMEM", 40, 39),
               xdp},
           Row{"fill", 44, with_xdp(attribute(6, "")), without("XDP_DIAG_UMEM_FILL_RING", 4, 0), xdp},
           Row{"completion", 44, with_xdp(attribute(7, "")), without("XDP_DIAG_UMEM_COMPLETION_RING", 4, 0),
               xdp},
           Row{"memory", 44, with_xdp(attribute(8, "x")),
               "XDP_DIAG_MEMINFO: expected words of 4 bytes, found 1 bytes; the whole words are kept", xdp},
           Row{"stats", 44, with_xdp(attribute(9, std::string(47, 'x'))), without("XDP_DIAG_STATS", 48, 47),
               xdp},
           Row{"XDP tiling", 44, with_xdp("\xff\xff\0\0"s), no_tile, xdp},
           Row{"no TIPC socket", 30, message(20, attribute(1, "abcd")),
               "expected TIPC_NLA_SOCK, found a message of 8 bytes without it; record skipped", ""},
           Row{"addr", 30, tipc_socket(attribute(1, "abc")), without("TIPC_NLA_SOCK_ADDR", 4, 3), " "},
           Row{"ref", 30, tipc_socket(attribute(2, "abc")), without("TIPC_NLA_SOCK_REF", 4, 3), " "},
           Row{"type", 30, tipc_socket(attribute(6, "abc")), without("TIPC_NLA_SOCK_TYPE", 4, 3), " "},
           Row{"inode", 30, tipc_socket(attribute(7, "abc")), without("TIPC_NLA_SOCK_INO", 4, 3), " "},
           Row{"TIPC uid", 30, tipc_socket(attribute(8, "abc")), without("TIPC_NLA_SOCK_UID", 4, 3), " "},
           Row{"state", 30, tipc_socket(attribute(9, "abc")), without("TIPC_NLA_SOCK_TIPC_STATE", 4, 3), " "},
           Row{"cookie", 30, tipc_socket(attribute(10, "abcd")), without("TIPC_NLA_SOCK_COOKIE", 8, 4), " "},
           Row{"peer node", 30, tipc_socket(attribute(3, attribute(2, "abc"))),
               without("TIPC_NLA_CON_NODE", 4, 3), " connection"},
           Row{"peer port", 30, tipc_socket(attribute(3, attribute(3, "abc"))),
               without("TIPC_NLA_CON_SOCK", 4, 3), " connection"},
           Row{"service", 30, tipc_socket(attribute(3, attribute(4, "abc"))),
               without("TIPC_NLA_CON_TYPE", 4, 3), " connection"},
           Row{"instance", 30, tipc_socket(attribute(3, attribute(5, "abc"))),
               without("TIPC_NLA_CON_INST", 4, 3), " connection"},
           Row{"connection tiling", 30, tipc_socket(attribute(3, "\xff\xff\0\0"s)),
               "TIPC_NLA_SOCK_CON: " + no_tile, " connection"},
           Row{"received", 30, tipc_socket(attribute(5, attribute(0, "abc"))),
               without("TIPC_NLA_SOCK_STAT_RCVQ", 4, 3), " "},
           Row{"sent", 30, tipc_socket(attribute(5, attribute(1, "abc"))),
               without("TIPC_NLA_SOCK_STAT_SENDQ", 4, 3), " "},
           Row{"drops", 30, tipc_socket(attribute(5, attribute(4, "abc"))),
               without("TIPC_NLA_SOCK_STAT_DROP", 4, 3), " "},
           Row{"stat tiling", 30, tipc_socket(attribute(5, "\xff\xff\0\0"s)),
               "TIPC_NLA_SOCK_STAT: " + no_tile, " "},
           Row{"socket tiling", 30, tipc_socket("\xff\xff\0\0"s), "TIPC_NLA_SOCK: " + no_tile, " "},
           Row{"TIPC tiling", 30, message(20, attribute(2, "") + "\xff\xff\0\0"s), no_tile, " "},
           Row{"short SMC", 43, message(20, smc_msg().substr(0, 63)),
               "expected an smc_diag_msg of 64 bytes, found 63; record skipped", ""},
           Row{"SMC family", 43, message(20, smc_msg(ByteOrder::little, 2)),
               "expected family 43, found 2; record skipped", ""},
           Row{"shutdown", 43, with_smc(attribute(3, "ab")), without("SMC_DIAG_SHUTDOWN", 1, 2), smc},
           Row{"fallback", 43, with_smc(attribute(5, "abcd")), without("SMC_DIAG_FALLBACK", 8, 4), smc},
           Row{"SMC tiling", 43, with_smc("\xff\xff\0\0"s), no_tile, smc},
       }) {
    INFO(row.what);
    const auto check = [&row](const auto& dump, const std::string& plain) {
      CHECK(first_message(dump.problems) == row.problem);
      CHECK(dump.problems.total == (row.problem.empty() ? 0 : 1));
      REQUIRE(dump.rows.size() == (row.first.empty() ? 1 : 2));
      if (!row.first.empty()) CHECK(summary(dump.rows[0]) == (row.first == " " ? "" : row.first));
      CHECK(summary(dump.rows.back()) == plain);
    };
    if (row.family == 40) check(decode_vsock_diag(pcap(row.bad + message(20, vsock_msg()) + done())), vsock);
    if (row.family == 44) check(decode_xdp_diag(pcap(row.bad + message(20, xdp_msg()) + done())), xdp);
    if (row.family == 30) check(decode_tipc_diag(pcap(row.bad + tipc_socket("") + done())), "");
    if (row.family == 43) check(decode_smc_diag(pcap(row.bad + message(20, smc_msg()) + done())), smc);
  }
}

TEST_CASE("every prefix of vsock, XDP, TIPC and SMC dumps") {
  const auto words_summary = [](const auto& row) { return summary(row); };
  const auto dump_of = [](const std::string& first, const std::string& second) {
    return pcap_header() + pcap_record(first + second) + pcap_record(first) + pcap_record(done());
  };
  const std::string u32 = attribute(2, "abcd");
  check_dump_prefixes(dump_of(message(20, vsock_msg()), message(20, vsock_msg() + u32)), decode_vsock_diag,
                      words_summary);
  check_dump_prefixes(dump_of(message(20, xdp_msg()), message(20, xdp_msg() + u32)), decode_xdp_diag,
                      words_summary);
  check_dump_prefixes(dump_of(tipc_socket(u32), tipc_socket(attribute(3, u32))), decode_tipc_diag,
                      words_summary);
  check_dump_prefixes(dump_of(message(20, smc_msg()), message(20, smc_msg() + u32)), decode_smc_diag,
                      words_summary);
}
