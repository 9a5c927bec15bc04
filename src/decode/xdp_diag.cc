#include "decode/xdp_diag.h"

#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfXdp = 44;
constexpr std::size_t kDiagMsgBytes = 16;  // sizeof(struct xdp_diag_msg)
constexpr std::size_t kInfoBytes = 8;      // sizeof(struct xdp_diag_info)
constexpr std::size_t kRingBytes = 4;      // sizeof(struct xdp_diag_ring)
constexpr std::size_t kUmemBytes = 40;     // sizeof(struct xdp_diag_umem)
constexpr std::size_t kStatsBytes = 48;    // sizeof(struct xdp_diag_stats)

// enum of include/uapi/linux/xdp_diag.h (Linux 6.18).
enum XdpDiagAttributeType : std::uint16_t {
  kInfo = 1,
  kUid = 2,
  kRxRing = 3,
  kTxRing = 4,
  kUmem = 5,
  kUmemFillRing = 6,
  kUmemCompletionRing = 7,
  kMeminfo = 8,
  kStats = 9,
};

std::optional<XdpInfo> read_info(const NetlinkAttribute& attribute, base::ByteOrder order,
                                 base::Problems& problems) {
  auto reader = attribute_struct(attribute, kInfoBytes, order, "XDP_DIAG_INFO", problems);
  if (!reader) return std::nullopt;
  XdpInfo info;
  info.interface_index = *reader->u32();
  info.queue_id = *reader->u32();
  return info;
}

std::optional<std::uint32_t> read_ring(const NetlinkAttribute& attribute, base::ByteOrder order,
                                       std::string_view name, base::Problems& problems) {
  auto reader = attribute_struct(attribute, kRingBytes, order, name, problems);
  return reader ? reader->u32() : std::nullopt;
}

std::optional<XdpUmem> read_umem(const NetlinkAttribute& attribute, base::ByteOrder order,
                                 base::Problems& problems) {
  auto reader = attribute_struct(attribute, kUmemBytes, order, "XDP_DIAG_UMEM", problems);
  if (!reader) return std::nullopt;
  XdpUmem umem;
  umem.size_bytes = *reader->u64();
  umem.id = *reader->u32();
  umem.page_count = *reader->u32();
  umem.chunk_size_bytes = *reader->u32();
  umem.headroom_bytes = *reader->u32();
  umem.interface_index = *reader->u32();
  umem.queue_id = *reader->u32();
  umem.flags = *reader->u32();
  umem.ref_count = *reader->u32();
  return umem;
}

std::optional<XdpStats> read_stats(const NetlinkAttribute& attribute, base::ByteOrder order,
                                   base::Problems& problems) {
  auto reader = attribute_struct(attribute, kStatsBytes, order, "XDP_DIAG_STATS", problems);
  if (!reader) return std::nullopt;
  XdpStats stats;
  stats.rx_dropped = *reader->u64();
  stats.rx_invalid = *reader->u64();
  stats.rx_full = *reader->u64();
  stats.fill_ring_empty = *reader->u64();
  stats.tx_invalid = *reader->u64();
  stats.tx_ring_empty = *reader->u64();
  return stats;
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
void read_attributes(const NetlinkMessage& message, base::ByteOrder order, XdpDiagRecord& row,
                     base::Problems& problems) {
  NetlinkAttributeReader reader = attributes_after(message, kDiagMsgBytes, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kInfo:
        row.info = read_info(*attribute, order, problems);
        break;
      case kUid:
        row.uid = attribute_u32(*attribute, order, "XDP_DIAG_UID", problems);
        break;
      case kRxRing:
        row.rx_ring_entries = read_ring(*attribute, order, "XDP_DIAG_RX_RING", problems);
        break;
      case kTxRing:
        row.tx_ring_entries = read_ring(*attribute, order, "XDP_DIAG_TX_RING", problems);
        break;
      case kUmem:
        row.umem = read_umem(*attribute, order, problems);
        break;
      case kUmemFillRing:
        row.fill_ring_entries = read_ring(*attribute, order, "XDP_DIAG_UMEM_FILL_RING", problems);
        break;
      case kUmemCompletionRing:
        row.completion_ring_entries = read_ring(*attribute, order, "XDP_DIAG_UMEM_COMPLETION_RING", problems);
        break;
      case kMeminfo:
        row.skmeminfo = attribute_words<SkMeminfo>(*attribute, order, "XDP_DIAG_MEMINFO", problems);
        break;
      case kStats:
        row.stats = read_stats(*attribute, order, problems);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_attributes_tile(message, reader, problems);
}

// struct xdp_diag_msg (xsk_diag_fill, net/xdp/xsk_diag.c), then attributes:
// 2c 03 00 00   3c 06 00 00  01 10 00 00 00 00 00 00
// fam type pad  inode        cookie, low word first
void read_record(const NetlinkMessage& message, base::ByteOrder order, XdpDiagDump& dump) {
  auto reader = open_record(message, order, "an xdp_diag_msg", kDiagMsgBytes, kAfXdp, dump.problems);
  if (!reader) return;
  XdpDiagRecord row;
  row.offset = message.offset;
  row.type = *reader->u8();
  (void)reader->u16();  // padding
  row.inode = *reader->u32();
  row.cookie = read_cookie(*reader);
  read_attributes(message, order, row, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

XdpDiagDump decode_xdp_diag(std::string_view bytes) {
  return decode_sock_diag_dump<XdpDiagDump>(bytes, read_record);
}

}  // namespace ssnap::decode
