#include "decode/netlink_diag.h"

#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfNetlink = 16;
constexpr std::size_t kDiagMsgBytes = 28;  // sizeof(struct netlink_diag_msg)
constexpr std::size_t kRingBytes = 16;     // sizeof(struct netlink_diag_ring)
// Many times what any netlink family has (RTNLGRP_MAX is below 40, generic netlink has some hundred): a
// bitmap takes 32 times its size as a list.
constexpr std::size_t kMaxGroups = 8192;

// enum of include/uapi/linux/netlink_diag.h (Linux 6.18).
enum NetlinkDiagAttributeType : std::uint16_t {
  kMeminfo = 0,
  kGroups = 1,
  kRxRing = 2,
  kTxRing = 3,
  kFlags = 4,
};

// NETLINK_DIAG_GROUPS is an array of unsigned long (nlk->groups): bit n of word w is group w * bits + n + 1.
// With the low byte first that is bit after bit; with the high byte first the bytes of each word are turned
// round.
std::vector<std::uint32_t> read_groups(const NetlinkAttribute& attribute, base::ByteOrder order,
                                       std::size_t word_bytes, base::Problems& problems) {
  const std::string_view bitmap = attribute.payload;
  if (bitmap.size() % word_bytes != 0) {
    problems.add(attribute.offset, "NETLINK_DIAG_GROUPS: expected words of " + std::to_string(word_bytes) +
                                       " bytes, found " + std::to_string(bitmap.size()) +
                                       " bytes; the whole words are kept");
  }
  std::vector<std::uint32_t> groups;
  const std::size_t whole = bitmap.size() / word_bytes * word_bytes;
  for (std::size_t i = 0; i < whole; ++i) {
    const std::size_t at =
        order == base::ByteOrder::little ? i : i - i % word_bytes + word_bytes - 1 - i % word_bytes;
    const auto byte = static_cast<unsigned char>(bitmap[at]);
    for (unsigned bit = 0; bit < 8; ++bit) {
      if ((byte >> bit & 1) == 0) continue;
      if (groups.size() == kMaxGroups) {
        problems.add(attribute.offset, "NETLINK_DIAG_GROUPS: expected at most " + std::to_string(kMaxGroups) +
                                           " groups, found more; the rest is left out");
        return groups;
      }
      groups.push_back(static_cast<std::uint32_t>(i * 8 + bit + 1));
    }
  }
  return groups;
}

std::optional<NetlinkRing> read_ring(const NetlinkAttribute& attribute, base::ByteOrder order,
                                     std::string_view name, base::Problems& problems) {
  auto reader = attribute_struct(attribute, kRingBytes, order, name, problems);
  if (!reader) return std::nullopt;
  NetlinkRing ring;
  ring.block_size_bytes = *reader->u32();
  ring.block_count = *reader->u32();
  ring.frame_size_bytes = *reader->u32();
  ring.frame_count = *reader->u32();
  return ring;
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
void read_attributes(const NetlinkMessage& message, base::ByteOrder order, std::size_t word_bytes,
                     NetlinkDiagRecord& row, base::Problems& problems) {
  NetlinkAttributeReader reader = attributes_after(message, kDiagMsgBytes, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kMeminfo:
        row.skmeminfo = attribute_words<SkMeminfo>(*attribute, order, "NETLINK_DIAG_MEMINFO", problems);
        break;
      case kGroups:
        row.groups = read_groups(*attribute, order, word_bytes, problems);
        break;
      case kRxRing:
        row.rx_ring = read_ring(*attribute, order, "NETLINK_DIAG_RX_RING", problems);
        break;
      case kTxRing:
        row.tx_ring = read_ring(*attribute, order, "NETLINK_DIAG_TX_RING", problems);
        break;
      case kFlags:
        row.flags = attribute_u32(*attribute, order, "NETLINK_DIAG_FLAGS", problems);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_attributes_tile(message, reader, problems);
}

// struct netlink_diag_msg (sk_diag_fill, net/netlink/diag.c), then attributes:
// 10 03 00 00        67 12 00 00  00 00 00 00  00 00 00 00  3c 06 00 00  01 10 00 00 00 00 00 00
// fam type proto st  portid       dst_portid   dst_group    inode        cookie, low word first
void read_record(const NetlinkMessage& message, base::ByteOrder order, std::size_t word_bytes,
                 NetlinkDiagDump& dump) {
  auto reader = open_record(message, order, "a netlink_diag_msg", kDiagMsgBytes, kAfNetlink, dump.problems);
  if (!reader) return;
  NetlinkDiagRecord row;
  row.offset = message.offset;
  row.type = *reader->u8();
  row.protocol = *reader->u8();
  row.state = *reader->u8();
  row.port_id = *reader->u32();
  row.peer_port_id = *reader->u32();
  row.peer_group = *reader->u32();
  row.inode = *reader->u32();
  row.cookie = read_cookie(*reader);
  read_attributes(message, order, word_bytes, row, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

NetlinkDiagDump decode_netlink_diag(std::string_view bytes, unsigned word_bytes) {
  const std::size_t width = word_bytes == 4 ? 4 : 8;
  return decode_sock_diag_dump<NetlinkDiagDump>(
      bytes, [width](const NetlinkMessage& message, base::ByteOrder order, NetlinkDiagDump& dump) {
        read_record(message, order, width, dump);
      });
}

}  // namespace ssnap::decode
