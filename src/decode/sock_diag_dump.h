// What inet_diag and unix_diag dumps have in common: the walk over datagrams and messages, and how a dump
// ends (netlink_dump and netlink_ack, net/netlink/af_netlink.c).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/problem.h"
#include "decode/netlink_message.h"
#include "decode/netlink_pcap.h"

namespace ssnap::decode {

constexpr std::uint16_t kTcpDiagGetSock = 18;    // TCPDIAG_GETSOCK
constexpr std::uint16_t kDccpDiagGetSock = 19;   // DCCPDIAG_GETSOCK
constexpr std::uint16_t kSockDiagByFamily = 20;  // SOCK_DIAG_BY_FAMILY

struct SockDiagWalk {
  std::function<void(const NetlinkMessage&, base::ByteOrder)> on_request;  // each message to the kernel
  // Each message of the answer with one of the three types above. False: enough rows, the rest is left out.
  std::function<bool(const NetlinkMessage&, base::ByteOrder)> on_record;
};

// Calls `walk` for each message of the member, in its order. Control messages go into `end`; whatever is no
// whole message becomes a problem, and the walk goes on with the next datagram.
void walk_sock_diag_dump(std::string_view bytes, const SockDiagWalk& walk, DumpEnd& end,
                         base::Problems& problems);

// The payload of a scalar attribute, which must fill it exactly; nullopt and a problem where it doesn't.
std::optional<std::uint8_t> attribute_u8(const NetlinkAttribute& attribute, base::ByteOrder order,
                                         std::string_view name, base::Problems& problems);
std::optional<std::uint32_t> attribute_u32(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems);
std::optional<std::uint64_t> attribute_u64(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems);
// The payload as 32-bit words, as many as the kernel sent. A last piece of less than 4 bytes is a problem;
// the whole words are kept.
std::vector<std::uint32_t> attribute_words(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems);

// For the attributes after a fixed structure: a problem where they don't tile the message exactly.
void check_attributes_tile(const NetlinkMessage& message, const NetlinkAttributeReader& reader,
                           base::Problems& problems);

}  // namespace ssnap::decode
