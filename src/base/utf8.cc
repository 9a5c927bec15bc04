#include "base/utf8.h"

namespace ssnap::base {

std::optional<CodePoint> decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return CodePoint{first, 1};
  std::size_t length = 0;
  std::uint32_t value = 0, smallest = 0;
  if ((first & 0xe0) == 0xc0) length = 2, value = first & 0x1fu, smallest = 0x80;
  else if ((first & 0xf0) == 0xe0) length = 3, value = first & 0x0fu, smallest = 0x800;
  else if ((first & 0xf8) == 0xf0) length = 4, value = first & 0x07u, smallest = 0x10000;
  else return std::nullopt;
  if (text.size() < length) return std::nullopt;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(i) & 0x3fu);
  }
  if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return std::nullopt;
  return CodePoint{value, length};
}

}  // namespace ssnap::base
