#include "decode/netlink_diag.h"

#include <algorithm>
#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

using Groups = std::vector<std::uint32_t>;

std::string summary(const NetlinkDiagRecord& row) {
  std::ostringstream out;
  out << int{row.type} << ' ' << int{row.protocol} << ' ' << int{row.state} << ' ' << row.port_id << ' '
      << row.peer_port_id << ' ' << row.peer_group << ' ' << row.inode << ' ' << row.cookie;
  if (row.groups) {
    out << " groups";
    for (const auto group : *row.groups) out << ' ' << group;
  }
  if (row.flags) out << " flags=" << *row.flags;
  for (const auto* ring : {&row.rx_ring, &row.tx_ring}) {
    if (!*ring) continue;
    out << (ring == &row.rx_ring ? " rx=" : " tx=") << (*ring)->block_size_bytes << ','
        << (*ring)->block_count << ',' << (*ring)->frame_size_bytes << ',' << (*ring)->frame_count;
  }
  for (const auto word : row.skmeminfo) out << " mem=" << word;
  for (const auto& a : row.unnamed)
    out << " unnamed=" << a.type << '@' << a.payload.offset << '+' << a.payload.length;
  return out.str();
}

std::string diag_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 16) {
  Bytes bytes(order);
  bytes.u8(family).u8(3).u8(15).u8(7).u32(4712).u32(1).u32(2).u32(4711).u32(0x11223344).u32(0x55667788);
  return bytes.str();
}

}  // namespace

TEST_CASE("the netlink sockets of the second scene") {
  const NetlinkDiagDump dump = decode_netlink_diag(read_fixture("netlink_diag.pcap"));
  CHECK(dump.problems.empty());
  CHECK(dump.end.done);
  CHECK(dump.end.errno_number == 0);
  CHECK(dump.rows.size() == 13);

  const auto route = std::find_if(dump.rows.begin(), dump.rows.end(),
                                  [](const auto& row) { return row.protocol == 0 && row.port_id == 4711; });
  REQUIRE(route != dump.rows.end());
  CHECK(route->type == 3);
  CHECK(route->state == 7);
  CHECK(route->inode != 0);
  // 33 and 35 are beyond the 32 that /proc/net/netlink and ss know.
  CHECK(route->groups == Groups{1, 5, 33, 35});
  CHECK(route->flags == 2);  // pktinfo
  CHECK(route->skmeminfo.size() == 9);
  CHECK(route->unnamed.empty());

  const auto twice = std::count_if(dump.rows.begin(), dump.rows.end(), [&](const auto& row) {
    return row.cookie == route->cookie && row.inode == route->inode;
  });
  CHECK(twice == 2);

  const auto kernel = std::find_if(dump.rows.begin(), dump.rows.end(),
                                   [](const auto& row) { return row.protocol == 0 && row.port_id == 0; });
  REQUIRE(kernel != dump.rows.end());
  CHECK_FALSE(kernel->groups);
}

TEST_CASE("every field of a netlink record, in both byte orders") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const auto u32 = [order](std::uint32_t value) { return Bytes(order).u32(value).str(); };
    const std::string attributes = attribute(0, u32(21) + u32(22), order) +
                                   attribute(1, Bytes(order).u64(0x400000011).u64(1).str(), order) +
                                   attribute(2, u32(1) + u32(2) + u32(3) + u32(4), order) +
                                   attribute(3, u32(5) + u32(6) + u32(7) + u32(8), order) +
                                   attribute(4, u32(9), order) + attribute(42, "new", order);
    const NetlinkDiagDump dump =
        decode_netlink_diag(pcap(message(20, diag_msg(order) + attributes, order) + done(0, order), order));
    CHECK(dump.problems.empty());
    CHECK(dump.end.done);
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) ==
          "3 15 7 4712 1 2 4711 6153737367135073092 groups 1 5 35 65 flags=9 rx=1,2,3,4 tx=5,6,7,8 mem=21 "
          "mem=22 unnamed=42@184+3");
    CHECK(dump.rows[0].offset == 24 + 32);
  }
}

TEST_CASE("groups: a bitmap of the kernel's longs") {
  struct Row {
    const char* what;
    ByteOrder order;
    unsigned word_bytes;
    std::string bitmap;
    Groups groups;
    std::string problem;
  };
  constexpr auto kLittle = ByteOrder::little, kBig = ByteOrder::big;
  for (const Row& row : {
           Row{"empty", kLittle, 8, "", {}, ""},
           Row{"none set", kLittle, 8, std::string(8, '\0'), {}, ""},
           Row{"first and last", kLittle, 8, "\x01\0\0\0\0\0\0\x80"s, {1, 64}, ""},
           Row{"first and last, big", kBig, 8, "\x80\0\0\0\0\0\0\x01"s, {1, 64}, ""},
           Row{"two longs of 32 bits, big", kBig, 4, "\x80\0\0\x01\0\0\0\x01"s, {1, 32, 33}, ""},
           Row{"two longs of 32 bits, little", kLittle, 4, "\x01\0\0\x80\x01\0\0\0"s, {1, 32, 33}, ""},
           Row{"an impossible width is 64 bits", kBig, 3, "\0\0\0\0\0\0\0\x01"s, {1}, ""},
           Row{"a cut long",
               kLittle,
               8,
               "\x01\0\0\0\0\0\0\0\x01\0\0\0"s,
               {1},
               "NETLINK_DIAG_GROUPS: expected words of 8 bytes, found 12 bytes; the whole words are kept"},
       }) {
    INFO(row.what);
    const NetlinkDiagDump dump = decode_netlink_diag(
        pcap(message(20, diag_msg(row.order) + attribute(1, row.bitmap, row.order), row.order), row.order),
        row.word_bytes);
    REQUIRE(dump.rows.size() == 1);
    CHECK(dump.rows[0].groups == row.groups);
    CHECK(first_message(dump.problems) == row.problem);
  }

  const NetlinkDiagDump many =
      decode_netlink_diag(pcap(message(20, diag_msg() + attribute(1, std::string(2048, '\xff')))));
  REQUIRE(many.rows.size() == 1);
  CHECK(many.rows[0].groups->size() == 8192);
  CHECK(first_message(many.problems) ==
        "NETLINK_DIAG_GROUPS: expected at most 8192 groups, found more; the rest is left out");
}

TEST_CASE("each corrupted field of a netlink record") {
  struct Row {
    const char* what;
    std::string bad;
    std::string problem;
    std::string first;  // "" where the record is skipped
  };
  const std::string plain = "3 15 7 4712 1 2 4711 6153737367135073092";
  const auto with = [](const std::string& attributes) { return message(20, diag_msg() + attributes); };
  for (const Row& row : {
           Row{"short record", message(20, diag_msg().substr(0, 27)),
               "expected a netlink_diag_msg of 28 bytes, found 27; record skipped", ""},
           Row{"family", message(20, diag_msg(ByteOrder::little, 17)),
               "expected family 16, found 17; record skipped", ""},
           Row{"memory", with(attribute(0, "\x07"s)),
               "NETLINK_DIAG_MEMINFO: expected words of 4 bytes, found 1 bytes; the whole words are kept",
               plain},
           Row{"receive ring", with(attribute(2, "")),
               "NETLINK_DIAG_RX_RING: expected 16 bytes, found 0; the record is kept without it", plain},
           Row{"send ring", with(attribute(3, std::string(15, '\0'))),
               "NETLINK_DIAG_TX_RING: expected 16 bytes, found 15; the record is kept without it", plain},
           Row{"flags", with(attribute(4, "abc")),
               "NETLINK_DIAG_FLAGS: expected 4 bytes, found 3; the record is kept without it", plain},
           Row{"attributes that don't tile", with("\x03\0\0\0"s),
               "expected a whole attribute, found 4 bytes that are none; the record is kept with the "
               "attributes before",
               plain},
       }) {
    INFO(row.what);
    const NetlinkDiagDump dump = decode_netlink_diag(pcap(row.bad + message(20, diag_msg()) + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == 1);
    REQUIRE(dump.rows.size() == (row.first.empty() ? 1 : 2));
    if (!row.first.empty()) CHECK(summary(dump.rows[0]) == row.first);
    CHECK(summary(dump.rows.back()) == plain);
  }
}

TEST_CASE("every prefix of a netlink dump gives a prefix of its rows") {
  check_dump_prefixes(
      read_fixture("netlink_diag.pcap"), [](std::string_view bytes) { return decode_netlink_diag(bytes); },
      [](const NetlinkDiagRecord& row) { return summary(row); });
}
