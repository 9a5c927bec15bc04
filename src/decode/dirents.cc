#include "decode/dirents.h"

#include <string>

#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

constexpr std::size_t kHeaderBytes = 19;  // d_ino 8, d_off 8, d_reclen 2, d_type 1
constexpr std::size_t kAlignment = 8;     // sizeof(u64), also on 32-bit kernels

}  // namespace

// 01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00  18 00     04      31 32 00 00 00   (little-endian: "12")
// d_ino                    d_off                    d_reclen  d_type  d_name
base::Decoded<Dirent> decode_dirents(std::string_view bytes, base::ByteOrder order) {
  base::Decoded<Dirent> decoded;
  base::ByteReader reader(bytes, order);
  while (!reader.at_end()) {
    Dirent entry;
    entry.offset = reader.offset();
    const auto inode = reader.u64();
    const auto next = reader.u64();
    const auto length = reader.u16();
    const auto type = reader.u8();
    const auto name = type && *length > kHeaderBytes ? reader.bytes(*length - kHeaderBytes) : std::nullopt;
    if (!next || !name || name->find('\0') == std::string_view::npos || decoded.rows.size() == kMaxRows) {
      decoded.problems.add(entry.offset, "expected a directory entry (struct linux_dirent64) with a name that ends in NUL; the " +
                                             std::to_string(decoded.rows.size()) + " before it were kept");
      break;
    }
    entry.inode = *inode;
    entry.type = *type;
    entry.record_bytes = *length;
    entry.name = name->substr(0, name->find('\0'));
    entry.canonical = *length == (kHeaderBytes + entry.name.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
    decoded.rows.push_back(entry);
  }
  return decoded;
}

}  // namespace ssnap::decode
