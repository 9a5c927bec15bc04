#include "base/net_addr.h"

#include <algorithm>
#include <charconv>

namespace ssnap::base {
namespace {

IpAddress from_bytes(std::string_view bytes, std::uint8_t length) {
  IpAddress address;
  if (bytes.size() < length) return address;
  std::copy_n(bytes.begin(), length, address.bytes.begin());
  address.length = length;
  return address;
}

void append_v4(std::string& out, const std::uint8_t* bytes) {
  char text[16];
  char* at = text;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) *at++ = '.';
    at = std::to_chars(at, text + sizeof text, bytes[i]).ptr;
  }
  out.append(text, static_cast<std::size_t>(at - text));
}

}  // namespace

IpAddress IpAddress::v4(std::string_view four_bytes) { return from_bytes(four_bytes, 4); }
IpAddress IpAddress::v6(std::string_view sixteen_bytes) { return from_bytes(sixteen_bytes, 16); }

bool IpAddress::is_any() const {
  return length != 0 && std::all_of(bytes.begin(), bytes.begin() + length, [](auto b) { return b == 0; });
}

bool IpAddress::is_v4_mapped() const {
  return is_v6() && std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; }) &&
         bytes[10] == 0xff && bytes[11] == 0xff;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes[0] == 127;
  if (is_v4_mapped()) return bytes[12] == 127;
  return is_v6() && std::all_of(bytes.begin(), bytes.begin() + 15, [](auto b) { return b == 0; }) &&
         bytes[15] == 1;
}

bool IpAddress::is_link_local() const { return is_v6() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }

IpAddress IpAddress::unmapped() const {
  if (!is_v4_mapped()) return *this;
  IpAddress address;
  std::copy_n(bytes.begin() + 12, 4, address.bytes.begin());
  address.length = 4;
  return address;
}

std::string IpAddress::to_string() const {
  std::string out;
  if (is_v4()) append_v4(out, bytes.data());
  if (!is_v6()) return out;

  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  // The first longest run of two or more zero groups becomes "::".
  std::size_t run_begin = 8, run_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t j = i;
    while (j < 8 && groups[j] == 0) ++j;
    if (j - i > run_length) run_begin = i, run_length = j - i;
    i = j + 1;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run_begin) {
      out += "::";
      i += run_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    // glibc writes v4-mapped and v4-compatible addresses with a dotted tail.
    const bool dotted = i == 6 && run_begin == 0 &&
                        (run_length == 6 || (run_length == 7 && groups[7] != 1) ||
                         (run_length == 5 && groups[5] == 0xffff));
    if (dotted) {
      append_v4(out, bytes.data() + 12);
      break;
    }
    char text[8];
    out.append(text, static_cast<std::size_t>(std::to_chars(text, text + sizeof text, groups[i], 16).ptr - text));
  }
  return out;
}

}  // namespace ssnap::base
