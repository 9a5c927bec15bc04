#include "decode/netlink_message.h"

#include <algorithm>

namespace ssnap::decode {
namespace {

// The last message or attribute may come without its padding: nlmsg_len and nla_len don't count it.
void skip_padding(base::ByteReader& reader, std::size_t length) {
  const std::size_t padding = (kNetlinkAlignment - length % kNetlinkAlignment) % kNetlinkAlignment;
  (void)reader.bytes(std::min(padding, reader.remaining()));
}

}  // namespace

NetlinkMessageReader::NetlinkMessageReader(std::string_view datagram, std::uint64_t base_offset,
                                           base::ByteOrder order)
    : reader_(datagram, order), base_offset_(base_offset) {}

// 48 00 00 00  14 00  02 00  01 00 00 00  39 30 00 00   payload of 56 bytes   (little-endian)
// nlmsg_len    type   flags  nlmsg_seq    nlmsg_pid
std::optional<NetlinkMessage> NetlinkMessageReader::next() {
  base::ByteReader reader = reader_;  // on failure nothing is consumed, so that leftover() counts all of it
  NetlinkMessage message;
  message.offset = base_offset_ + reader.offset();
  const auto length = reader.u32();
  const auto type = reader.u16();
  const auto flags = reader.u16();
  const auto sequence = reader.u32();
  const auto port_id = reader.u32();
  if (!port_id || *length < kNetlinkHeaderBytes) return std::nullopt;
  const auto payload = reader.bytes(*length - kNetlinkHeaderBytes);
  if (!payload) return std::nullopt;
  message.type = *type;
  message.flags = *flags;
  message.sequence = *sequence;
  message.port_id = *port_id;
  message.payload = *payload;
  skip_padding(reader, *length);
  reader_ = reader;
  return message;
}

NetlinkAttributeReader::NetlinkAttributeReader(std::string_view attributes, std::uint64_t base_offset,
                                               base::ByteOrder order)
    : reader_(attributes, order), base_offset_(base_offset) {}

// 05 00    08 00     00  00 00 00   (little-endian: type 8, one byte of payload, three of padding)
// nla_len  nla_type
std::optional<NetlinkAttribute> NetlinkAttributeReader::next() {
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
  skip_padding(reader, *length);
  reader_ = reader;
  return attribute;
}

}  // namespace ssnap::decode
