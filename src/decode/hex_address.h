// Addresses as /proc/net prints them.
#pragma once

#include <optional>
#include <string_view>

#include "base/byte_reader.h"
#include "base/net_addr.h"
#include "base/text_cursor.h"

namespace ssnap::decode {

// "%08X" of the address as the host's integer: 8 digits.
inline std::optional<base::IpAddress> hex_address_v4(std::string_view digits, base::ByteOrder order) {
  const auto value = digits.size() == 8 ? base::parse_integer<std::uint32_t>(digits, 16) : std::nullopt;
  if (!value) return std::nullopt;
  base::IpAddress address;
  address.length = 4;
  for (std::size_t i = 0; i < 4; ++i)
    address.bytes[i] = static_cast<std::uint8_t>(*value >> 8 * (order == base::ByteOrder::little ? i : 3 - i));
  return address;
}

// "%pi6": 32 digits, the bytes in network order.
inline std::optional<base::IpAddress> hex_address_v6(std::string_view digits) {
  if (digits.size() != 32) return std::nullopt;
  base::IpAddress address;
  address.length = 16;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto byte = base::parse_integer<std::uint8_t>(digits.substr(2 * i, 2), 16);
    if (!byte) return std::nullopt;
    address.bytes[i] = *byte;
  }
  return address;
}

}  // namespace ssnap::decode
