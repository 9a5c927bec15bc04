#include "decode/packet_diag.h"

#include <sstream>

#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

std::string summary(const PacketRing& ring) {
  std::ostringstream out;
  out << ring.block_size_bytes << ',' << ring.block_count << ',' << ring.frame_size_bytes << ','
      << ring.frame_count << ',' << ring.retire_timeout_msec << ',' << ring.private_bytes << ','
      << ring.features;
  return out.str();
}

std::string summary(const PacketDiagRecord& row) {
  std::ostringstream out;
  out << int{row.type} << ' ' << row.protocol << ' ' << row.inode << ' ' << row.cookie;
  if (row.info) {
    out << " info=" << row.info->interface_index << ',' << row.info->version << ',' << row.info->reserve_bytes
        << ',' << row.info->copy_threshold << ',' << row.info->timestamp << ',' << row.info->flags;
  }
  if (row.uid) out << " uid=" << *row.uid;
  if (row.memberships) {
    out << " members";
    for (const auto& m : *row.memberships)
      out << ' ' << m.interface_index << ',' << m.count << ',' << m.type << ',' << m.address.size();
  }
  if (row.rx_ring) out << " rx=" << summary(*row.rx_ring);
  if (row.tx_ring) out << " tx=" << summary(*row.tx_ring);
  if (row.fanout) out << " fanout=" << *row.fanout;
  for (const auto word : row.skmeminfo) out << " mem=" << word;
  if (row.filter) {
    out << " filter";
    for (const auto& i : *row.filter)
      out << ' ' << i.code << ',' << int{i.jump_true} << ',' << int{i.jump_false} << ',' << i.k;
  }
  for (const auto& a : row.unnamed)
    out << " unnamed=" << a.type << '@' << a.payload.offset << '+' << a.payload.length;
  return out.str();
}

std::string diag_msg(ByteOrder order = ByteOrder::little, std::uint8_t family = 17) {
  return Bytes(order).u8(family).u8(3).u16(0x800).u32(4711).u32(0x11223344).u32(0x55667788).str();
}

std::string words(ByteOrder order, std::initializer_list<std::uint32_t> values) {
  Bytes bytes(order);
  for (const auto value : values) bytes.u32(value);
  return bytes.str();
}

std::string membership(ByteOrder order) {
  return Bytes(order).u32(2).u32(1).u16(0).u16(6).raw("\x01\0\x5e\0\1\2"s).zeros(26).str();
}

}  // namespace

TEST_CASE("the packet sockets of the second scene") {
  const PacketDiagDump dump = decode_packet_diag(read_fixture("packet_diag.pcap"));
  CHECK(dump.problems.empty());
  CHECK(dump.end.done);
  CHECK(dump.end.errno_number == 0);
  REQUIRE(dump.rows.size() == 2);

  const auto& raw = dump.rows[0];
  CHECK(raw.type == 3);
  CHECK(raw.protocol == 3);  // ETH_P_ALL
  CHECK(raw.inode != 0);
  CHECK(raw.cookie != 0);
  REQUIRE(raw.info);
  CHECK(raw.info->interface_index == 3);
  CHECK(raw.info->version == 2);
  CHECK(raw.info->flags == 3);  // running, auxdata
  CHECK(raw.uid == 0);
  REQUIRE(raw.memberships);
  REQUIRE(raw.memberships->size() == 2);
  CHECK((*raw.memberships)[0].type == 0);
  CHECK((*raw.memberships)[0].address == "\x01\0\x5e\0\1\2"s);
  CHECK((*raw.memberships)[1].type == 1);
  CHECK((*raw.memberships)[1].address.empty());
  REQUIRE(raw.rx_ring);
  CHECK(summary(*raw.rx_ring) == "4096,4,2048,8,60,0,0");
  CHECK_FALSE(raw.tx_ring);
  CHECK(raw.fanout == 77);
  REQUIRE(raw.filter);
  REQUIRE(raw.filter->size() == 4);
  CHECK((*raw.filter)[1].code == 0x15);
  CHECK((*raw.filter)[1].jump_false == 1);
  CHECK((*raw.filter)[1].k == 0x800);
  CHECK(raw.skmeminfo.size() == 9);
  CHECK(raw.unnamed.empty());

  const auto& dgram = dump.rows[1];
  CHECK(dgram.type == 2);
  CHECK(dgram.protocol == 0);
  CHECK_FALSE(dgram.rx_ring);
  REQUIRE(dgram.tx_ring);
  CHECK(dgram.tx_ring->frame_count == 4);
  CHECK_FALSE(dgram.fanout);
  CHECK_FALSE(dgram.filter);
  REQUIRE(dgram.memberships);
  CHECK(dgram.memberships->empty());
}

TEST_CASE("every field of a packet record, in both byte orders") {
  for (const auto order : {ByteOrder::little, ByteOrder::big}) {
    const std::string attributes =
        attribute(0, words(order, {2, 1, 3, 4, 5, 6}), order) + attribute(1, membership(order), order) +
        attribute(2, words(order, {1, 2, 3, 4, 5, 6, 7}), order) +
        attribute(3, words(order, {11, 12, 13, 14, 15, 16, 17}), order) +
        attribute(4, words(order, {0x1004d}), order) + attribute(5, words(order, {1000}), order) +
        attribute(6, words(order, {21, 22}), order) +
        attribute(7, Bytes(order).u16(0x15).u8(1).u8(2).u32(2048).str(), order) + attribute(42, "new", order);
    const PacketDiagDump dump =
        decode_packet_diag(pcap(message(20, diag_msg(order) + attributes, order) + done(0, order), order));
    CHECK(dump.problems.empty());
    CHECK(dump.end.done);
    REQUIRE(dump.rows.size() == 1);
    CHECK(summary(dump.rows[0]) ==
          "3 2048 4711 6153737367135073092 info=2,1,3,4,5,6 uid=1000 members 2,1,0,6 rx=1,2,3,4,5,6,7 "
          "tx=11,12,13,14,15,16,17 fanout=65613 mem=21 mem=22 filter 21,1,2,2048 unnamed=42@272+3");
    CHECK(dump.rows[0].offset == 24 + 32);
  }
}

TEST_CASE("a filter that may not be seen is not the same as none") {
  const PacketDiagDump dump =
      decode_packet_diag(pcap(message(20, diag_msg() + attribute(7, "")) + message(20, diag_msg())));
  REQUIRE(dump.rows.size() == 2);
  REQUIRE(dump.rows[0].filter);
  CHECK(dump.rows[0].filter->empty());
  CHECK_FALSE(dump.rows[1].filter);
}

TEST_CASE("each corrupted field of a packet record") {
  struct Row {
    const char* what;
    std::string bad;
    std::string problem;
    std::string first;  // "" where the record is skipped
  };
  const std::string plain = "3 2048 4711 6153737367135073092";
  const auto with = [](const std::string& attributes) { return message(20, diag_msg() + attributes); };
  const std::string little = membership(ByteOrder::little);
  for (const Row& row : {
           Row{"short record", message(20, diag_msg().substr(0, 15)),
               "expected a packet_diag_msg of 16 bytes, found 15; record skipped", ""},
           Row{"family", message(20, diag_msg(ByteOrder::little, 1)),
               "expected family 17, found 1; record skipped", ""},
           Row{"type", message(77, diag_msg()),
               "expected a sock_diag message, found type 77; message skipped", ""},
           Row{"short info", with(attribute(0, std::string(23, '\0'))),
               "PACKET_DIAG_INFO: expected 24 bytes, found 23; the record is kept without it", plain},
           Row{"longer info", with(attribute(0, std::string(28, '\0'))), "", plain + " info=0,0,0,0,0,0"},
           Row{"half a membership", with(attribute(1, little + little.substr(0, 43))),
               "PACKET_DIAG_MCLIST: expected structures of 44 bytes, found 87 bytes; the whole ones are kept",
               plain + " members 2,1,0,6"},
           Row{"impossible address length", with(attribute(1, replaced(little, "\x06\0"s, "\xff\xff"))), "",
               plain + " members 2,1,0,32"},
           Row{"short receive ring", with(attribute(2, std::string(27, '\0'))),
               "PACKET_DIAG_RX_RING: expected 28 bytes, found 27; the record is kept without it", plain},
           Row{"short send ring", with(attribute(3, "")),
               "PACKET_DIAG_TX_RING: expected 28 bytes, found 0; the record is kept without it", plain},
           Row{"fanout", with(attribute(4, "abc")),
               "PACKET_DIAG_FANOUT: expected 4 bytes, found 3; the record is kept without it", plain},
           Row{"uid", with(attribute(5, "abcde")),
               "PACKET_DIAG_UID: expected 4 bytes, found 5; the record is kept without it", plain},
           Row{"memory", with(attribute(6, "\x07"s)),
               "PACKET_DIAG_MEMINFO: expected words of 4 bytes, found 1 bytes; the whole words are kept",
               plain},
           Row{"filter", with(attribute(7, "\x06\0\0\0\x01\0\0\0\x06"s)),
               "PACKET_DIAG_FILTER: expected instructions of 8 bytes, found 9 bytes; the whole ones are kept",
               plain + " filter 6,0,0,1"},
           Row{"attributes that don't tile", with("\xff\xff\0\0"s),
               "expected a whole attribute, found 4 bytes that are none; the record is kept with the "
               "attributes before",
               plain},
       }) {
    INFO(row.what);
    const PacketDiagDump dump = decode_packet_diag(pcap(row.bad + message(20, diag_msg()) + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == (row.problem.empty() ? 0 : 1));
    REQUIRE(dump.rows.size() == (row.first.empty() ? 1 : 2));
    if (!row.first.empty()) CHECK(summary(dump.rows[0]) == row.first);
    CHECK(summary(dump.rows.back()) == plain);
  }
}

TEST_CASE("attributes without a name are kept up to a limit") {
  std::string attributes;
  for (int i = 0; i < 300; ++i) attributes += attribute(99, "");
  const PacketDiagDump dump = decode_packet_diag(pcap(message(20, diag_msg() + attributes)));
  REQUIRE(dump.rows.size() == 1);
  CHECK(dump.rows[0].unnamed.size() == 256);
  CHECK(dump.problems.total == 44);
  CHECK(first_message(dump.problems) ==
        "expected at most 256 attributes without a name, found more; left out");
}

TEST_CASE("every prefix of a packet dump gives a prefix of its rows") {
  check_dump_prefixes(read_fixture("packet_diag.pcap"), decode_packet_diag,
                      [](const PacketDiagRecord& row) { return summary(row); });
}
