#include "decode/smc_diag.h"

#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfSmc = 43;
constexpr std::size_t kDiagMsgBytes = 64;  // sizeof(struct smc_diag_msg)
constexpr std::size_t kFallbackBytes = 8;  // sizeof(struct smc_diag_fallback)

// enum of include/uapi/linux/smc_diag.h (Linux 6.18).
enum SmcDiagAttributeType : std::uint16_t {
  kConninfo = 1,
  kLgrinfo = 2,
  kShutdown = 3,
  kDmbinfo = 4,
  kFallback = 5,
};

std::optional<SmcFallback> read_fallback(const NetlinkAttribute& attribute, base::ByteOrder order,
                                         base::Problems& problems) {
  auto reader = attribute_struct(attribute, kFallbackBytes, order, "SMC_DIAG_FALLBACK", problems);
  if (!reader) return std::nullopt;
  SmcFallback fallback;
  fallback.reason = *reader->u32();
  fallback.peer_diagnosis = *reader->u32();
  return fallback;
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
void read_attributes(const NetlinkMessage& message, base::ByteOrder order, SmcDiagRecord& row,
                     base::Problems& problems) {
  NetlinkAttributeReader reader = attributes_after(message, kDiagMsgBytes, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kConninfo:
        row.connection_info = payload_span(*attribute);
        break;
      case kLgrinfo:
        row.link_group_info = payload_span(*attribute);
        break;
      case kShutdown:
        row.shutdown = attribute_u8(*attribute, order, "SMC_DIAG_SHUTDOWN", problems);
        break;
      case kDmbinfo:
        row.dmb_info = payload_span(*attribute);
        break;
      case kFallback:
        row.fallback = read_fallback(*attribute, order, problems);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_attributes_tile(message, reader, problems);
}

// struct smc_diag_msg (smc_diag_msg_common_fill, net/smc/smc_diag.c):
// 2b 01 01 00       1f 90 c3 50  7f 00 00 01 ... (16)  7f 00 00 01 ... (16)  00 00 00 00  01 10 00 00 00 00
// 00 00 fam st mode shut  sport dport  src                   dst                   if           cookie, low
// word first e8 03 00 00  3c 06 00 00 00 00 00 00 uid          inode
void read_record(const NetlinkMessage& message, base::ByteOrder order, SmcDiagDump& dump) {
  auto reader = open_record(message, order, "an smc_diag_msg", kDiagMsgBytes, kAfSmc, dump.problems);
  if (!reader) return;
  SmcDiagRecord row;
  row.offset = message.offset;
  row.state = *reader->u8();
  row.mode = *reader->u8();
  (void)reader->u8();  // diag_shutdown, which no kernel fills: the attribute has it
  row.local_port = *reader->u16_network();
  row.peer_port = *reader->u16_network();
  const std::string_view local = *reader->bytes(16), peer = *reader->bytes(16);
  const bool is_v4 = local.find_first_not_of('\0', 4) == std::string_view::npos &&
                     peer.find_first_not_of('\0', 4) == std::string_view::npos;
  row.local = is_v4 ? base::IpAddress::v4(local.substr(0, 4)) : base::IpAddress::v6(local);
  row.peer = is_v4 ? base::IpAddress::v4(peer.substr(0, 4)) : base::IpAddress::v6(peer);
  row.interface_index = *reader->u32();
  row.cookie = read_cookie(*reader);
  row.uid = *reader->u32();
  row.inode = *reader->u64();
  read_attributes(message, order, row, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

SmcDiagDump decode_smc_diag(std::string_view bytes) {
  return decode_sock_diag_dump<SmcDiagDump>(bytes, read_record);
}

}  // namespace ssnap::decode
