#include "decode/netlink_message.h"

namespace ssnap::decode {

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
  skip_netlink_padding(reader, *length);
  reader_ = reader;
  return message;
}

}  // namespace ssnap::decode
