#include "decode/packet_diag.h"

#include <algorithm>

#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfPacket = 17;
constexpr std::size_t kDiagMsgBytes = 16;        // sizeof(struct packet_diag_msg)
constexpr std::size_t kInfoBytes = 24;           // sizeof(struct packet_diag_info)
constexpr std::size_t kMembershipBytes = 44;     // sizeof(struct packet_diag_mclist)
constexpr std::size_t kMaxAddressBytes = 32;     // MAX_ADDR_LEN: pdmc_addr
constexpr std::size_t kRingBytes = 28;           // sizeof(struct packet_diag_ring)
constexpr std::size_t kBpfInstructionBytes = 8;  // sizeof(struct sock_filter)

// enum of include/uapi/linux/packet_diag.h (Linux 6.18).
enum PacketDiagAttributeType : std::uint16_t {
  kInfo = 0,
  kMclist = 1,
  kRxRing = 2,
  kTxRing = 3,
  kFanout = 4,
  kUid = 5,
  kMeminfo = 6,
  kFilter = 7,
};

std::optional<PacketInfo> read_info(const NetlinkAttribute& attribute, base::ByteOrder order,
                                    base::Problems& problems) {
  auto reader = attribute_struct(attribute, kInfoBytes, order, "PACKET_DIAG_INFO", problems);
  if (!reader) return std::nullopt;
  PacketInfo info;
  info.interface_index = *reader->u32();
  info.version = *reader->u32();
  info.reserve_bytes = *reader->u32();
  info.copy_threshold = *reader->u32();
  info.timestamp = *reader->u32();
  info.flags = *reader->u32();
  return info;
}

std::optional<PacketRing> read_ring(const NetlinkAttribute& attribute, base::ByteOrder order,
                                    std::string_view name, base::Problems& problems) {
  auto reader = attribute_struct(attribute, kRingBytes, order, name, problems);
  if (!reader) return std::nullopt;
  PacketRing ring;
  ring.block_size_bytes = *reader->u32();
  ring.block_count = *reader->u32();
  ring.frame_size_bytes = *reader->u32();
  ring.frame_count = *reader->u32();
  ring.retire_timeout_msec = *reader->u32();
  ring.private_bytes = *reader->u32();
  ring.features = *reader->u32();
  return ring;
}

// struct packet_diag_mclist, one after the other:
// 01 00 00 00  01 00 00 00  00 00  06 00  01 00 5e 00 00 01 00 ... (32)
// index        count        type   alen   addr
std::vector<PacketMembership> read_memberships(const NetlinkAttribute& attribute, base::ByteOrder order,
                                               base::Problems& problems) {
  std::vector<PacketMembership> out;
  base::ByteReader reader(attribute.payload, order);
  while (reader.remaining() >= kMembershipBytes) {
    PacketMembership membership;
    membership.interface_index = *reader.u32();
    membership.count = *reader.u32();
    membership.type = *reader.u16();
    const std::size_t length = std::min<std::size_t>(*reader.u16(), kMaxAddressBytes);
    membership.address = reader.bytes(kMaxAddressBytes)->substr(0, length);
    out.push_back(std::move(membership));
  }
  if (!reader.at_end()) {
    problems.add(attribute.offset, "PACKET_DIAG_MCLIST: expected structures of 44 bytes, found " +
                                       std::to_string(attribute.payload.size()) +
                                       " bytes; the whole ones are kept");
  }
  return out;
}

std::vector<BpfInstruction> read_filter(const NetlinkAttribute& attribute, base::ByteOrder order,
                                        base::Problems& problems) {
  std::vector<BpfInstruction> out;
  base::ByteReader reader(attribute.payload, order);
  while (reader.remaining() >= kBpfInstructionBytes) {
    BpfInstruction instruction;
    instruction.code = *reader.u16();
    instruction.jump_true = *reader.u8();
    instruction.jump_false = *reader.u8();
    instruction.k = *reader.u32();
    out.push_back(instruction);
  }
  if (!reader.at_end()) {
    problems.add(attribute.offset, "PACKET_DIAG_FILTER: expected instructions of 8 bytes, found " +
                                       std::to_string(attribute.payload.size()) +
                                       " bytes; the whole ones are kept");
  }
  return out;
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
void read_attributes(const NetlinkMessage& message, base::ByteOrder order, PacketDiagRecord& row,
                     base::Problems& problems) {
  NetlinkAttributeReader reader = attributes_after(message, kDiagMsgBytes, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kInfo:
        row.info = read_info(*attribute, order, problems);
        break;
      case kMclist:
        row.memberships = read_memberships(*attribute, order, problems);
        break;
      case kRxRing:
        row.rx_ring = read_ring(*attribute, order, "PACKET_DIAG_RX_RING", problems);
        break;
      case kTxRing:
        row.tx_ring = read_ring(*attribute, order, "PACKET_DIAG_TX_RING", problems);
        break;
      case kFanout:
        row.fanout = attribute_u32(*attribute, order, "PACKET_DIAG_FANOUT", problems);
        break;
      case kUid:
        row.uid = attribute_u32(*attribute, order, "PACKET_DIAG_UID", problems);
        break;
      case kMeminfo:
        row.skmeminfo = attribute_words<SkMeminfo>(*attribute, order, "PACKET_DIAG_MEMINFO", problems);
        break;
      case kFilter:
        row.filter = read_filter(*attribute, order, problems);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_attributes_tile(message, reader, problems);
}

// struct packet_diag_msg (sk_diag_fill, net/packet/diag.c), then attributes:
// 11 03 03 00      3c 06 00 00  01 10 00 00 00 00 00 00
// fam type num     inode        cookie, low word first
void read_record(const NetlinkMessage& message, base::ByteOrder order, PacketDiagDump& dump) {
  auto reader = open_record(message, order, "a packet_diag_msg", kDiagMsgBytes, kAfPacket, dump.problems);
  if (!reader) return;
  PacketDiagRecord row;
  row.offset = message.offset;
  row.type = *reader->u8();
  row.protocol = *reader->u16();  // the kernel has turned it into host order
  row.inode = *reader->u32();
  row.cookie = read_cookie(*reader);
  read_attributes(message, order, row, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

PacketDiagDump decode_packet_diag(std::string_view bytes) {
  return decode_sock_diag_dump<PacketDiagDump>(bytes, read_record);
}

}  // namespace ssnap::decode
