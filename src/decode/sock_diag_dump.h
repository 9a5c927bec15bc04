// What the dumps of netlink have in common: the walk over datagrams and messages, and how a dump
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
#include "decode/attribute_span.h"
#include "decode/netlink_message.h"
#include "decode/netlink_pcap.h"
#include "decode/row_limits.h"

namespace ssnap::decode {

constexpr std::uint16_t kTcpDiagGetSock = 18;    // TCPDIAG_GETSOCK
constexpr std::uint16_t kDccpDiagGetSock = 19;   // DCCPDIAG_GETSOCK
constexpr std::uint16_t kSockDiagByFamily = 20;  // SOCK_DIAG_BY_FAMILY

// One of the three types above.
bool is_sock_diag_message(std::uint16_t type);

struct SockDiagWalk {
  std::function<void(const NetlinkMessage&, base::ByteOrder)> on_request;  // each message to the kernel
  // Each message of the answer that is a record. False: enough rows, the rest is left out.
  std::function<bool(const NetlinkMessage&, base::ByteOrder)> on_record;
  bool (*is_record)(std::uint16_t type) = is_sock_diag_message;
  std::string_view expected = "a sock_diag message";  // what any other type is not
};

// Calls `walk` for each message of the member, in its order. Control messages go into `end`; whatever is no
// whole message becomes a problem, and the walk goes on with the next datagram.
void walk_sock_diag_dump(std::string_view bytes, const SockDiagWalk& walk, DumpEnd& end,
                         base::Problems& problems);

// A dump whose request tells nothing that its answer doesn't: `read_record(message, order, dump)` adds to dump.rows,
// at most kMaxRows of them.
template <class Dump, class ReadRecord>
Dump decode_sock_diag_dump(std::string_view bytes, ReadRecord read_record) {
  Dump dump;
  SockDiagWalk walk;
  walk.on_request = [](const NetlinkMessage&, base::ByteOrder) {};
  walk.on_record = [&dump, &read_record](const NetlinkMessage& message, base::ByteOrder order) {
    if (dump.rows.size() == kMaxRows) {
      dump.problems.add(message.offset, "expected at most " + std::to_string(kMaxRows) +
                                            " records, found more; the rest is left out");
      return false;
    }
    read_record(message, order, dump);
    return true;
  };
  walk_sock_diag_dump(bytes, walk, dump.end, dump.problems);
  return dump;
}

// The payload of a record that begins with a structure of `size` bytes, whose first is the family: a reader behind that
// byte, or nullopt and a problem where the structure is cut or of another family.
std::optional<base::ByteReader> open_record(const NetlinkMessage& message, base::ByteOrder order,
                                            std::string_view structure, std::size_t size, std::uint8_t family,
                                            base::Problems& problems);
// The attributes behind such a structure.
NetlinkAttributeReader attributes_after(const NetlinkMessage& message, std::size_t size, base::ByteOrder order);
NetlinkAttributeReader nested_attributes(const NetlinkAttribute& attribute, base::ByteOrder order);

// Two words, the low one first, whatever the byte order (sock_diag_save_cookie). The reader must have 8 bytes.
std::uint64_t read_cookie(base::ByteReader& reader);

ByteSpan payload_span(const NetlinkAttribute& attribute);
// Adds one to the list, or a problem where it has kMaxUnnamedAttributes.
void keep_unnamed(const NetlinkAttribute& attribute, std::vector<UnnamedAttribute>& unnamed,
                  base::Problems& problems);

// The payload of an attribute that is a structure of at least `size` bytes (kernels make them longer at the end);
// nullopt and a problem where it is shorter.
std::optional<base::ByteReader> attribute_struct(const NetlinkAttribute& attribute, std::size_t size,
                                                 base::ByteOrder order, std::string_view name,
                                                 base::Problems& problems);
// A string that the kernel ends with a NUL, without it.
std::string attribute_string(const NetlinkAttribute& attribute);

// The payload of a scalar attribute, which must fill it exactly; nullopt and a problem where it doesn't.
std::optional<std::uint8_t> attribute_u8(const NetlinkAttribute& attribute, base::ByteOrder order,
                                         std::string_view name, base::Problems& problems);
std::optional<std::uint16_t> attribute_u16(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems);
std::optional<std::uint32_t> attribute_u32(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems);
std::optional<std::uint64_t> attribute_u64(const NetlinkAttribute& attribute, base::ByteOrder order,
                                           std::string_view name, base::Problems& problems);
void check_words_tile(const NetlinkAttribute& attribute, std::string_view name, base::Problems& problems);
// The payload as 32-bit words, as many as the kernel sent. A last piece of less than 4 bytes is a problem;
// the whole words are kept.
template <class List>
List attribute_words(const NetlinkAttribute& attribute, base::ByteOrder order, std::string_view name, base::Problems& problems) {
  List words;
  base::ByteReader reader(attribute.payload, order);
  while (const auto word = reader.u32()) words.push_back(*word);
  check_words_tile(attribute, name, problems);
  return words;
}

// For the attributes after a fixed structure: a problem where they don't tile the message exactly.
void check_attributes_tile(const NetlinkMessage& message, const NetlinkAttributeReader& reader,
                           base::Problems& problems);
// The same for nested ones.
void check_nested_tile(const NetlinkAttribute& attribute, const NetlinkAttributeReader& reader,
                       std::string_view name, base::Problems& problems);

}  // namespace ssnap::decode
