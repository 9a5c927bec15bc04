// Netlink messages and attributes inside one datagram (include/uapi/linux/netlink.h).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.h"

namespace ssnap::decode {

// struct nlmsghdr. Host byte order of the captured machine.
struct NetlinkMessage {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t sequence = 0;
  std::uint32_t port_id = 0;
  std::string_view payload;
  std::uint64_t offset = 0;  // of the header, in the member
};

constexpr std::size_t kNetlinkHeaderBytes = 16;    // sizeof(struct nlmsghdr)
constexpr std::size_t kAttributeHeaderBytes = 4;   // sizeof(struct nlattr)
// NLA_TYPE_MASK: the two upper bits are NLA_F_NESTED and NLA_F_NET_BYTEORDER.
constexpr std::uint16_t kAttributeTypeMask = 0x3fff;
// NLMSG_ALIGNTO and NLA_ALIGNTO (include/uapi/linux/netlink.h) are both 4, on every architecture.
constexpr std::size_t kNetlinkAlignment = 4;

constexpr std::uint16_t kNlmsgError = 2;
constexpr std::uint16_t kNlmsgDone = 3;
constexpr std::uint16_t kNlmFlagDumpIntr = 0x10;

// The last message or attribute may come without its padding: nlmsg_len and nla_len don't count it.
inline void skip_netlink_padding(base::ByteReader& reader, std::size_t length) {
  const std::size_t padding = -length % kNetlinkAlignment;
  (void)reader.skip(std::min(padding, reader.remaining()));
}

// Walks the messages of a datagram: nlmsg_len is checked against what is left, then rounded up to 4.
class NetlinkMessageReader {
 public:
  // `base_offset`: where `datagram` begins in the member.
  NetlinkMessageReader(std::string_view datagram, std::uint64_t base_offset, base::ByteOrder order);
  std::optional<NetlinkMessage> next();
  // After the last message: bytes that are no message (0 where the messages tile the datagram exactly).
  std::size_t leftover() const { return reader_.remaining(); }

 private:
  base::ByteReader reader_;
  std::uint64_t base_offset_;
};

// struct rtattr / nlattr.
struct NetlinkAttribute {
  std::uint16_t type = 0;  // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
  std::string_view payload;
  std::uint64_t offset = 0;  // of the attribute's header, in the member
};

class NetlinkAttributeReader {
 public:
  NetlinkAttributeReader(std::string_view attributes, std::uint64_t base_offset, base::ByteOrder order)
      : reader_(attributes, order), base_offset_(base_offset) {}

  // 05 00    08 00     00  00 00 00   (little-endian: type 8, one byte of payload, three of padding)
  // nla_len  nla_type
  std::optional<NetlinkAttribute> next() {
    base::ByteReader reader = reader_;
    NetlinkAttribute attribute;
    attribute.offset = base_offset_ + reader.offset();
    const auto length = reader.u16();
    const auto type = reader.u16();
    if (!type || *length < kAttributeHeaderBytes) return std::nullopt;
    const auto payload = reader.bytes(*length - kAttributeHeaderBytes);
    if (!payload) return std::nullopt;
    attribute.type = *type & kAttributeTypeMask;
    attribute.payload = *payload;
    skip_netlink_padding(reader, *length);
    reader_ = reader;
    return attribute;
  }
  std::size_t leftover() const { return reader_.remaining(); }

 private:
  base::ByteReader reader_;
  std::uint64_t base_offset_;
};

}  // namespace ssnap::decode
