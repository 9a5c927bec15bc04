#include "decode/md5sig.h"

#include <algorithm>

#include "decode/inet_diag_numbers.h"
#include "decode/netlink_message.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

std::size_t aligned(std::size_t length) {
  return (length + kNetlinkAlignment - 1) / kNetlinkAlignment * kNetlinkAlignment;
}

// One INET_DIAG_MD5SIG: `length` is what nla_len promises, `end` where the datagram ends at the latest.
void add_keys(std::size_t payload, std::size_t length, std::size_t end, std::vector<ByteSpan>& keys) {
  const auto add = [&keys, end](std::size_t begin, std::size_t stop) {
    stop = std::min(stop, end);
    if (begin < stop) keys.push_back({begin, static_cast<std::uint32_t>(stop - begin)});
  };
  if (length % kMd5SigBytes != 0) {
    add(payload + kMd5KeyOffset, payload + length);
    return;
  }
  for (std::size_t at = 0; at < length; at += kMd5SigBytes)
    add(payload + at + kMd5KeyOffset, payload + at + kMd5SigBytes);
}

// The attributes between `at` and `end`, which may be cut.
void find_in_attributes(std::string_view datagram, std::size_t at, std::size_t end, base::ByteOrder order,
                        std::vector<ByteSpan>& keys) {
  while (end - at >= kAttributeHeaderBytes) {
    base::ByteReader header(datagram.substr(at, kAttributeHeaderBytes), order);
    const std::size_t length = *header.u16();
    const std::uint16_t type = *header.u16() & kAttributeTypeMask;
    if (length < kAttributeHeaderBytes) return;
    if (type == kInetDiagMd5Sig)
      add_keys(at + kAttributeHeaderBytes, length - kAttributeHeaderBytes, end, keys);
    if (length >= end - at || aligned(length) >= end - at) return;
    at += aligned(length);
  }
}

}  // namespace

// Not with NetlinkMessageReader, which passes over what is cut: a key in a cut message is a key all the same.
std::vector<ByteSpan> find_md5_keys(std::string_view datagram, base::ByteOrder order) {
  std::vector<ByteSpan> keys;
  std::size_t at = 0;
  while (datagram.size() - at >= kNetlinkHeaderBytes) {
    base::ByteReader header(datagram.substr(at, kNetlinkHeaderBytes), order);
    const std::size_t length = *header.u32();
    const std::uint16_t type = *header.u16();
    if (length < kNetlinkHeaderBytes) return keys;
    const std::size_t left = datagram.size() - at;
    const std::size_t end = at + std::min(length, left);
    const std::size_t attributes = at + kNetlinkHeaderBytes + kInetDiagMsgBytes;
    if (is_sock_diag_message(type) && attributes < end) {
      const auto family = static_cast<std::uint8_t>(datagram[at + kNetlinkHeaderBytes]);
      if (family == kAfInet || family == kAfInet6) find_in_attributes(datagram, attributes, end, order, keys);
    }
    if (length >= left || aligned(length) >= left) return keys;
    at += aligned(length);
  }
  return keys;
}

}  // namespace ssnap::decode
