#include "decode/unix_diag.h"

#include "decode/describe.h"
#include "decode/row_limits.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfUnix = 1;
constexpr std::size_t kDiagMsgBytes = 16;  // sizeof(struct unix_diag_msg)

// enum of include/uapi/linux/unix_diag.h (Linux 6.18).
enum UnixDiagAttributeType : std::uint16_t {
  kName = 0,
  kVfs = 1,
  kPeer = 2,
  kIcons = 3,
  kRqlen = 4,
  kMeminfo = 5,
  kShutdown = 6,
  kUid = 7,
};

// sk_diag_dump_name sends addr->len bytes: of a path with the NUL that ends it, of an abstract name all that
// count.
std::string name_of(std::string_view payload) {
  if (payload.size() > 1 && payload.front() != '\0' && payload.back() == '\0') payload.remove_suffix(1);
  return std::string(payload);
}

// Two words in one attribute. Of a short one the first word is kept where it is whole.
void read_pair(const NetlinkAttribute& attribute, base::ByteOrder order, std::string_view name,
               std::optional<std::uint32_t>& first, std::optional<std::uint32_t>& second,
               base::Problems& problems) {
  base::ByteReader reader(attribute.payload, order);
  first = reader.u32();
  second = reader.u32();
  if (second && reader.at_end()) return;
  problems.add(attribute.offset, std::string(name) + ": expected 8 bytes, found " +
                                     std::to_string(attribute.payload.size()) +
                                     "; the record is kept with the words that are whole");
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
void read_attributes(const NetlinkMessage& message, base::ByteOrder order, UnixDiagRecord& row,
                     base::Problems& problems) {
  NetlinkAttributeReader reader(message.payload.substr(kDiagMsgBytes),
                                message.offset + kNetlinkHeaderBytes + kDiagMsgBytes, order);
  while (const auto found = reader.next()) {
    const NetlinkAttribute& attribute = *found;
    switch (attribute.type) {
      case kName:
        row.name = name_of(at_most(kMaxUnixNameBytes, attribute.payload, "UNIX_DIAG_NAME", attribute.offset, problems));
        break;
      case kVfs:
        read_pair(attribute, order, "UNIX_DIAG_VFS", row.vfs_inode, row.vfs_device, problems);
        break;
      case kPeer:
        row.peer_inode = attribute_u32(attribute, order, "UNIX_DIAG_PEER", problems);
        break;
      case kIcons:
        row.pending_inodes = attribute_words<std::vector<std::uint32_t>>(attribute, order, "UNIX_DIAG_ICONS", problems);
        break;
      case kRqlen:
        read_pair(attribute, order, "UNIX_DIAG_RQLEN", row.recv_queue, row.send_queue, problems);
        break;
      case kMeminfo:
        row.skmeminfo = attribute_words<SkMeminfo>(attribute, order, "UNIX_DIAG_MEMINFO", problems);
        break;
      case kShutdown:
        row.shutdown = attribute_u8(attribute, order, "UNIX_DIAG_SHUTDOWN", problems);
        break;
      case kUid:
        row.uid = attribute_u32(attribute, order, "UNIX_DIAG_UID", problems);
        break;
      default:
        break;  // an attribute that this version doesn't name; its bytes are in the member
    }
  }
  check_attributes_tile(message, reader, problems);
}

// struct unix_diag_msg (sk_diag_fill, net/unix/diag.c), then attributes:
// 01 01 0a 00      3c 06 00 00  01 10 00 00 00 00 00 00
// fam type st pad  inode        cookie, low word first
void read_record(const NetlinkMessage& message, base::ByteOrder order, UnixDiagDump& dump) {
  base::ByteReader reader(message.payload, order);
  if (message.payload.size() < kDiagMsgBytes) {
    dump.problems.add(message.offset, "expected a unix_diag_msg of 16 bytes, found " +
                                          std::to_string(message.payload.size()) + "; record skipped");
    return;
  }
  const std::uint8_t family = *reader.u8();
  if (family != kAfUnix) {
    dump.problems.add(message.offset + kNetlinkHeaderBytes,
                      "expected family 1 (UNIX), found " + std::to_string(family) + "; record skipped");
    return;
  }
  UnixDiagRecord row;
  row.offset = message.offset;
  row.type = *reader.u8();
  row.state = *reader.u8();
  (void)reader.u8();  // padding
  row.inode = *reader.u32();
  const std::uint64_t cookie_low = *reader.u32();
  row.cookie = cookie_low | std::uint64_t{*reader.u32()} << 32;
  read_attributes(message, order, row, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

UnixDiagDump decode_unix_diag(std::string_view bytes) {
  return decode_sock_diag_dump<UnixDiagDump>(bytes, read_record);
}

}  // namespace ssnap::decode
