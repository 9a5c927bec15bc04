// Parts of a member that a record points at in place of a copy.
#pragma once

#include <cstdint>
#include <vector>

namespace ssnap::decode {

// Bytes of the member.
struct ByteSpan {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;

  bool operator==(const ByteSpan&) const = default;
};

// A netlink attribute that this version has no name for: what a newer kernel adds is shown by its place.
struct UnnamedAttribute {
  std::uint16_t type = 0;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  ByteSpan payload;

  bool operator==(const UnnamedAttribute&) const = default;
};

}  // namespace ssnap::decode
