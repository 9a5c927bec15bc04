// An IPv4 or IPv6 address as bytes in network order, and its one textual form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ssnap::base {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 uses the first four
  std::uint8_t length = 0;               // 4, 16, or 0 for none

  static IpAddress v4(std::string_view four_bytes);
  static IpAddress v6(std::string_view sixteen_bytes);

  bool is_v4() const { return length == 4; }
  bool is_v6() const { return length == 16; }
  bool is_any() const;
  bool is_loopback() const;       // 127.0.0.0/8, ::1, and ::ffff:127.0.0.0/104
  bool is_v4_mapped() const;      // ::ffff:0:0/96
  bool is_link_local() const;     // fe80::/10
  IpAddress unmapped() const;     // the IPv4 address of a v4-mapped one, else itself
  // "127.0.0.1", "::1", "::ffff:10.0.0.1": what inet_ntop of glibc prints (RFC 5952). "" for none.
  std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;
};

}  // namespace ssnap::base
