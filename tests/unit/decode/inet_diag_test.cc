#include "decode/inet_diag.h"

#include <algorithm>
#include <sstream>

#include "decode/netlink_message.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;

namespace {

// A row in words, apart from its offset.
std::string summary(const InetDiagRecord& row) {
  std::ostringstream out;
  out << int{row.family} << ' ' << int{row.state} << ' ' << int{row.timer} << ' ' << int{row.retransmits}
      << ' ' << row.local.to_string() << ' ' << row.local_port << ' ' << row.peer.to_string() << ' '
      << row.peer_port << ' ' << row.interface_index << ' ' << row.cookie << ' ' << row.expires_msec << ' '
      << row.recv_queue << ' ' << row.send_queue << ' ' << row.uid << ' ' << row.inode;
  if (!row.attributes) return out.str();
  const auto& a = *row.attributes;
  const auto put = [&out](const char* name, const auto& value) {
    if (value) out << ' ' << name << '=' << std::uint64_t{*value};
  };
  put("tos", a.tos), put("tclass", a.tclass), put("shutdown", a.shutdown), put("protocol", a.protocol);
  put("v6only", a.v6only), put("mark", a.mark), put("class", a.class_id), put("cgroup", a.cgroup_id);
  put("sockopt", a.sockopt);
  if (a.skmeminfo) {
    out << " mem";
    for (const auto word : *a.skmeminfo) out << ',' << word;
  }
  out << " cong=" << a.congestion << " info=" << a.tcp_info_bytes;
  return out.str();
}

const InetDiagRecord* find_row(const InetDiagDump& dump, const std::string& local, std::uint16_t port,
                               std::uint8_t state) {
  for (const auto& row : dump.rows) {
    if (row.local.to_string() == local && row.local_port == port && row.state == state) return &row;
  }
  return nullptr;
}

// struct inet_diag_msg with everything set.
std::string diag_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 2) {
  Bytes bytes(order);
  bytes.u8(family).u8(1).u8(2).u8(3).u16_network(8080).u16_network(40000);
  bytes.raw("\x7f").zeros(2).raw("\x01").zeros(12).raw("\x0a").zeros(2).raw("\x02").zeros(12);
  bytes.u32(5).u32(0x11223344).u32(0x55667788).u32(6000).u32(7).u32(8).u32(1000).u32(4711);
  return bytes.str();
}

// The fixture as a machine of the other byte order would have written it.
std::string big_endian(std::string_view bytes) {
  constexpr auto kLittle = ByteOrder::little;
  const NetlinkPcap little = decode_netlink_pcap(bytes);
  std::string out = pcap_header(ByteOrder::big);
  for (const auto& datagram : little.datagrams) {
    std::string swapped;
    NetlinkMessageReader messages(datagram.bytes, 0, kLittle);
    while (const auto found = messages.next()) {
      ssnap::base::ByteReader reader(found->payload, kLittle);
      Bytes payload(ByteOrder::big);
      if (datagram.to_kernel || found->type == 3) {
        if (found->type == 3) payload.u32(*reader.u32());
        payload.raw(reader.rest());
      } else {
        payload.raw(*reader.bytes(4 + 4 + 32));
        for (int i = 0; i < 8; ++i) payload.u32(*reader.u32());
        NetlinkAttributeReader attributes(reader.rest(), 0, kLittle);
        while (const auto a = attributes.next()) {
          ssnap::base::ByteReader value(a->payload, kLittle);
          Bytes swapped_value(ByteOrder::big);
          if (a->type == 7) {
            while (const auto word = value.u32()) swapped_value.u32(*word);
          } else if (a->type == 15 || a->type == 17) {
            swapped_value.u32(*value.u32());
          } else if (a->type == 21) {
            swapped_value.u64(*value.u64());
          } else {
            swapped_value.raw(a->payload);
          }
          payload.raw(attribute(a->type, swapped_value.str(), ByteOrder::big));
        }
      }
      swapped += message(found->type, payload.str(), ByteOrder::big, found->flags);
    }
    out += pcap_record(swapped, ByteOrder::big, datagram.to_kernel ? 4 : 0);
  }
  return out;
}

}  // namespace

TEST_CASE("the TCP dump of the scene") {
  const InetDiagDump dump = decode_inet_diag(read_fixture("inet_diag-tcp.pcap"));
  CHECK(dump.problems.empty());
  CHECK(dump.request_family == 0);
  CHECK(dump.request_protocol == 6);
  CHECK(dump.end.done);
  CHECK(dump.end.errno_number == 0);
  CHECK_FALSE(dump.end.interrupted);
  CHECK(dump.rows.size() == 13);

  const auto* listener = find_row(dump, "127.0.0.1", 8080, 10);
  REQUIRE(listener);
  CHECK(listener->family == 2);
  CHECK(listener->recv_queue == 1);
  CHECK(listener->send_queue == 8);
  CHECK(listener->inode == 13967);
  CHECK(listener->cookie != 0);
  REQUIRE(listener->attributes);
  CHECK(listener->attributes->congestion == "bbr");
  CHECK(listener->attributes->tcp_info_bytes == 280);
  CHECK(listener->attributes->tos == 0);
  CHECK_FALSE(listener->attributes->tclass);
  CHECK_FALSE(listener->attributes->v6only);
  REQUIRE(listener->attributes->skmeminfo);
  CHECK(listener->attributes->skmeminfo->size() == 9);
  CHECK(listener->attributes->cgroup_id);
  CHECK(listener->attributes->sockopt);

  const auto* any = find_row(dump, "::", 8082, 10);
  REQUIRE(any);
  CHECK(any->family == 10);
  REQUIRE(any->attributes);
  CHECK(any->attributes->v6only == false);
  CHECK(find_row(dump, "::ffff:127.0.0.1", 8082, 1));

  const auto unread = std::find_if(dump.rows.begin(), dump.rows.end(),
                                   [](const auto& row) { return row.state == 1 && row.recv_queue == 5; });
  REQUIRE(unread != dump.rows.end());
  CHECK(unread->peer_port == 8080);
  const auto waiting =
      std::count_if(dump.rows.begin(), dump.rows.end(), [](const auto& row) { return row.state == 6; });
  CHECK(waiting == 2);
  for (const auto& row : dump.rows) {
    if (row.state != 6) continue;
    CHECK(row.inode == 0);
    CHECK(row.timer == 3);
    CHECK(row.expires_msec > 0);
  }
}

TEST_CASE("the UDP dumps of the scene") {
  const InetDiagDump v4 = decode_inet_diag(read_fixture("inet_diag-udp4.pcap"));
  CHECK(v4.problems.empty());
  CHECK(v4.request_family == 2);
  CHECK(v4.request_protocol == 17);
  CHECK(v4.rows.size() == 2);
  const auto* bound = find_row(v4, "0.0.0.0", 5353, 7);
  REQUIRE(bound);
  CHECK(bound->recv_queue > 0);
  const auto* connected = find_row(v4, "127.0.0.1", 4000, 1);
  REQUIRE(connected);
  CHECK(connected->peer_port == 5353);

  const InetDiagDump v6 = decode_inet_diag(read_fixture("inet_diag-udp6.pcap"));
  CHECK(v6.request_family == 10);
  REQUIRE(v6.rows.size() == 1);
  REQUIRE(v6.rows[0].attributes);
  CHECK(v6.rows[0].attributes->v6only == true);
}

TEST_CASE("unsupported is no empty table") {
  const InetDiagDump raw = decode_inet_diag(read_fixture("inet_diag-raw4.pcap"));
  CHECK(raw.request_protocol == 255);
  CHECK(raw.end.done);
  CHECK(raw.end.errno_number == 2);
  CHECK(raw.rows.empty());
  CHECK(raw.problems.empty());

  const InetDiagDump vsock = decode_inet_diag(read_fixture("vsock_diag.pcap"));
  CHECK(vsock.end.done);
  CHECK(vsock.end.errno_number == 2);

  const InetDiagDump mptcp = decode_inet_diag(read_fixture("inet_diag-mptcp4.pcap"));
  CHECK(mptcp.request_protocol == 262);
  CHECK(mptcp.end.done);
  CHECK(mptcp.end.errno_number == 0);
}

TEST_CASE("every field of a record, in both byte orders") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const InetDiagDump dump =
        decode_inet_diag(pcap(message(20, diag_msg(order), order) + done(0, order), order));
    CHECK(dump.problems.empty());
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) ==
          "2 1 2 3 127.0.0.1 8080 10.0.0.2 40000 5 6153737367135073092 6000 7 8 1000 4711");
    CHECK(dump.rows[0].offset == 24 + 16 + 16);
    CHECK_FALSE(dump.rows[0].attributes);
    CHECK_FALSE(dump.request_family);
    CHECK_FALSE(dump.request_protocol);
  }
}

TEST_CASE("a dump of the other byte order reads the same") {
  for (const char* name : {"inet_diag-tcp.pcap", "inet_diag-udp4.pcap", "inet_diag-udp6.pcap"}) {
    const std::string bytes = read_fixture(name);
    const InetDiagDump little = decode_inet_diag(bytes);
    const InetDiagDump big = decode_inet_diag(big_endian(bytes));
    CHECK(big.problems.empty());
    CHECK(big.end.done);
    CHECK(big.request_protocol == little.request_protocol);
    REQUIRE(big.rows.size() == little.rows.size());
    for (std::size_t i = 0; i < big.rows.size(); ++i) CHECK(summary(big.rows[i]) == summary(little.rows[i]));
  }
}

TEST_CASE("attributes: values, wrong lengths, unknown ones") {
  struct Row {
    const char* what;
    std::string attributes;
    std::string attributes_read;
    std::string problem;
  };
  const auto u32 = [](std::uint32_t value) { return Bytes(ByteOrder::little).u32(value).str(); };
  const std::string zero(1, '\0');
  const std::string nothing = " cong= info=0";
  for (const Row& row : {
           Row{"tos", attribute(5, "\x10"), " tos=16" + nothing, ""},
           Row{"tclass", attribute(6, "\x20"), " tclass=32" + nothing, ""},
           Row{"shutdown", attribute(8, "\x03"), " shutdown=3" + nothing, ""},
           Row{"protocol", attribute(10, "\x3a"), " protocol=58" + nothing, ""},
           Row{"v6only", attribute(11, "\x01"), " v6only=1" + nothing, ""},
           Row{"mark", attribute(15, u32(7)), " mark=7" + nothing, ""},
           Row{"class", attribute(17, u32(9)), " class=9" + nothing, ""},
           Row{"cgroup", attribute(21, u32(1) + u32(1)), " cgroup=4294967297" + nothing, ""},
           Row{"sockopt", attribute(22, "\x01\x02"), " sockopt=513" + nothing, ""},
           Row{"a longer sockopt", attribute(22, "\x01\x02\x03"), " sockopt=513" + nothing, ""},
           Row{"meminfo of an old kernel", attribute(7, u32(1) + u32(2)), " mem,1,2" + nothing, ""},
           Row{"empty meminfo", attribute(7, ""), " mem" + nothing, ""},
           Row{"congestion", attribute(4, "bbr" + zero + "junk"), " cong=bbr info=0", ""},
           Row{"congestion without NUL", attribute(4, "reno"), " cong=reno info=0", ""},
           Row{"tcp_info", attribute(2, std::string(104, '\0')), " cong= info=104", ""},
           Row{"unknown", attribute(99, "whatever"), nothing, ""},
           Row{"of two the last", attribute(5, "\x10") + attribute(5, "\x20"), " tos=32" + nothing, ""},
           Row{"short tos", attribute(5, ""), nothing,
               "INET_DIAG_TOS: expected 1 bytes, found 0; the record is kept without it"},
           Row{"short tclass", attribute(6, ""), nothing,
               "INET_DIAG_TCLASS: expected 1 bytes, found 0; the record is kept without it"},
           Row{"long shutdown", attribute(8, u32(3)), nothing,
               "INET_DIAG_SHUTDOWN: expected 1 bytes, found 4; the record is kept without it"},
           Row{"short protocol", attribute(10, ""), nothing,
               "INET_DIAG_PROTOCOL: expected 1 bytes, found 0; the record is kept without it"},
           Row{"short v6only", attribute(11, ""), nothing,
               "INET_DIAG_SKV6ONLY: expected 1 bytes, found 0; the record is kept without it"},
           Row{"short mark", attribute(15, "ab"), nothing,
               "INET_DIAG_MARK: expected 4 bytes, found 2; the record is kept without it"},
           Row{"short class", attribute(17, "abc"), nothing,
               "INET_DIAG_CLASS_ID: expected 4 bytes, found 3; the record is kept without it"},
           Row{"short cgroup", attribute(21, u32(1)), nothing,
               "INET_DIAG_CGROUP_ID: expected 8 bytes, found 4; the record is kept without it"},
           Row{"short sockopt", attribute(22, "\x01"), nothing,
               "INET_DIAG_SOCKOPT: expected 2 bytes, found 1; the record is kept without it"},
           Row{"uneven meminfo", attribute(7, u32(5) + "xy"), " mem,5" + nothing,
               "INET_DIAG_SKMEMINFO: expected words of 4 bytes, found 6 bytes; the whole words are kept"},
           Row{"overrun", attribute(5, "\x10") + "\x09" + zero + "\x06" + zero, " tos=16" + nothing,
               "expected a whole attribute, found 4 bytes that are none; the record is kept with the "
               "attributes "
               "before"},
           Row{"no attribute at all", "\x01\x02\x03\x04", "",
               "expected a whole attribute, found 4 bytes that are none; the record is kept with the "
               "attributes "
               "before"},
       }) {
    INFO(row.what);
    const InetDiagDump dump =
        decode_inet_diag(pcap(message(20, diag_msg() + row.attributes) + message(20, diag_msg()) + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == (row.problem.empty() ? 0 : 1));
    REQUIRE(dump.rows.size() == 2);
    CHECK(summary(dump.rows[0]) == summary(dump.rows[1]) + row.attributes_read);
  }
}

TEST_CASE("a bad message never loses the others") {
  struct Row {
    const char* what;
    std::string bad;
    std::string problem;
    std::size_t kept;  // of two good records around it
  };
  const auto u32 = [](std::uint32_t value) { return Bytes(ByteOrder::little).u32(value).str(); };
  const std::string good = message(20, diag_msg());
  for (
      const Row& row : {
          Row{"nothing", "", "", 2},
          Row{"noop", message(1, ""), "", 2},
          Row{"short record", message(20, diag_msg().substr(0, 71)),
              "expected an inet_diag_msg of 72 bytes, found 71; record skipped", 2},
          Row{"unknown family", message(20, diag_msg(ByteOrder::little, 11)),
              "expected family 2 or 10, found 11; record skipped", 2},
          Row{"unknown type", message(21, diag_msg()),
              "expected a sock_diag message, found type 21; message skipped", 2},
          Row{"overrun", message(4, ""),
              "expected a record, the kernel says that data was lost (NLMSG_OVERRUN); the rest is kept", 2},
          Row{"length too small", u32(15) + u32(20) + u32(0) + u32(0),
              "expected a whole netlink message, found 124 bytes that are none; the messages before are kept",
              1},
          Row{"length too large", u32(5000) + u32(20) + u32(0) + u32(0),
              "expected a whole netlink message, found 124 bytes that are none; the messages before are kept",
              1},
          Row{"records after the end", done(),
              "expected nothing after the end of the dump, found a record; kept", 2},
      }) {
    INFO(row.what);
    const InetDiagDump dump = decode_inet_diag(pcap(good + row.bad + good + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == (row.problem.empty() ? 0 : 1));
    CHECK(dump.rows.size() == row.kept);
  }
}

TEST_CASE("a message that overruns its datagram costs nothing of the next datagram") {
  const std::string bytes = pcap_header() + pcap_record(message(20, diag_msg()).substr(0, 50)) +
                            pcap_record(message(20, diag_msg()) + done());
  const InetDiagDump dump = decode_inet_diag(bytes);
  CHECK(dump.rows.size() == 1);
  CHECK(dump.end.done);
  REQUIRE(dump.problems.total == 1);
  CHECK(dump.problems.kept[0].offset == 24 + 32);
}

TEST_CASE("how a dump ends") {
  struct Row {
    const char* what;
    std::string datagram;
    bool done;
    int errno_number;
    bool interrupted;
    std::string problem;
  };
  const auto end = [](std::uint16_t type, const std::string& payload, std::uint16_t flags = 2) {
    return message(type, payload, ByteOrder::little, flags);
  };
  const auto i32 = [](std::int32_t value) {
    return Bytes(ByteOrder::little).u32(static_cast<std::uint32_t>(value)).str();
  };
  for (const Row& row : {
           Row{"no end", message(20, diag_msg()), false, 0, false, ""},
           Row{"done", end(3, i32(0)), true, 0, false, ""},
           Row{"unsupported", end(3, i32(-2)), true, 2, false, ""},
           Row{"error", end(2, i32(-1) + std::string(16, '\0')), true, 1, false, ""},
           Row{"a later end hides no error", end(3, i32(-2)) + end(3, i32(0)), true, 2, false, ""},
           Row{"interrupted at the end", end(3, i32(0), 0x12), true, 0, true, ""},
           Row{"interrupted in the middle", message(20, diag_msg(), ByteOrder::little, 0x10) + end(3, i32(0)),
               true, 0, true, ""},
           Row{"done without payload", end(3, ""), true, 0, false,
               "expected an errno of 4 bytes at the end of the dump, found 0; the dump counts as ended "
               "without error"},
           Row{"done with a positive number", end(3, i32(5)), true, 0, false,
               "expected 0 or a negative errno at the end of the dump, found 5; the dump counts as ended "
               "without "
               "error"},
           Row{"done with an impossible number", end(3, i32(INT32_MIN)), true, 0, false,
               "expected 0 or a negative errno at the end of the dump, found -2147483648; the dump counts as "
               "ended "
               "without error"},
       }) {
    INFO(row.what);
    const InetDiagDump dump = decode_inet_diag(pcap(row.datagram));
    CHECK(dump.end.done == row.done);
    CHECK(dump.end.errno_number == row.errno_number);
    CHECK(dump.end.interrupted == row.interrupted);
    CHECK(first_message(dump.problems) == row.problem);
  }
}

TEST_CASE("requests: which table was asked") {
  struct Row {
    const char* what;
    std::string requests;
    std::optional<std::uint8_t> family;
    std::optional<std::uint16_t> protocol;
    std::string problem;
  };
  const std::string sockid(48, '\0');
  const auto v2 = [&](std::uint8_t family, std::uint8_t protocol) {
    return Bytes(ByteOrder::little).u8(family).u8(protocol).u8(255).u8(0).u32(~0u).raw(sockid).str();
  };
  const auto u32 = [](std::uint32_t value) { return Bytes(ByteOrder::little).u32(value).str(); };
  for (const Row& row : {
           Row{"v2", message(20, v2(10, 132)), 10, 132, ""},
           Row{"TCPDIAG_GETSOCK", message(18, std::string(60, '\0')), 0, 6, ""},
           Row{"DCCPDIAG_GETSOCK", message(19, std::string(60, '\0')), 0, 33, ""},
           Row{"MPTCP", message(20, v2(2, 6) + attribute(3, u32(262))), 2, 262, ""},
           Row{"other attributes", message(20, v2(2, 6) + attribute(2, u32(262))), 2, 6, ""},
           Row{"short protocol attribute", message(20, v2(2, 6) + attribute(3, "x")), 2, 6,
               "INET_DIAG_REQ_PROTOCOL: expected 4 bytes, found 1; the record is kept without it"},
           Row{"short request",
               message(20, v2(2, 6).substr(0, 55)),
               {},
               {},
               "expected an inet_diag request, found type 20 of 55 bytes; family and protocol stay unknown"},
           Row{"another table",
               message(26, v2(2, 6)),
               {},
               {},
               "expected an inet_diag request, found type 26 of 56 bytes; family and protocol stay unknown"},
           Row{"two requests", message(20, v2(2, 6)) + message(20, v2(10, 17)), 2, 6,
               "expected one request, found another; the first counts"},
       }) {
    INFO(row.what);
    const InetDiagDump dump = decode_inet_diag(
        pcap_header() + pcap_record(row.requests, ByteOrder::little, 4) + pcap_record(done()));
    CHECK(dump.request_family == row.family);
    CHECK(dump.request_protocol == row.protocol);
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.rows.empty());
  }
}

TEST_CASE("every prefix of a dump gives a prefix of its rows") {
  const std::string bytes = read_fixture("inet_diag-tcp.pcap");
  const InetDiagDump whole = decode_inet_diag(bytes);
  const auto ends = record_ends(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const InetDiagDump dump = decode_inet_diag(std::string_view(bytes).substr(0, size));
    REQUIRE(dump.rows.size() <= whole.rows.size());
    for (std::size_t i = 0; i < dump.rows.size(); ++i) {
      REQUIRE(summary(dump.rows[i]) == summary(whole.rows[i]));
      REQUIRE(dump.rows[i].offset == whole.rows[i].offset);
    }
    const bool at_boundary = std::find(ends.begin(), ends.end(), size) != ends.end();
    REQUIRE(dump.problems.empty() == at_boundary);
    REQUIRE_FALSE(dump.end.done);
  }
}
