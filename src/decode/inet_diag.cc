#include "decode/inet_diag.h"

#include "decode/row_limits.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint8_t kAfUnspec = 0, kAfInet = 2, kAfInet6 = 10;
constexpr std::uint16_t kIpprotoTcp = 6, kIpprotoDccp = 33;
constexpr std::size_t kMessageHeaderBytes = 16;  // sizeof(struct nlmsghdr)
constexpr std::size_t kSockIdBytes = 48;         // sizeof(struct inet_diag_sockid)
// A TCP record with every attribute: how many to expect.
constexpr std::size_t kTypicalRecordBytes = 512;
constexpr std::size_t kDiagMsgBytes = 72;  // sizeof(struct inet_diag_msg)

// enum of include/uapi/linux/inet_diag.h (Linux 6.18).
enum InetDiagAttributeType : std::uint16_t {
  kInfo = 2,
  kCong = 4,
  kTos = 5,
  kTclass = 6,
  kSkmeminfo = 7,
  kShutdown = 8,
  kProtocol = 10,
  kSkv6only = 11,
  kMark = 15,
  kClassId = 17,
  kCgroupId = 21,
  kSockopt = 22,
};
constexpr std::uint16_t kRequestProtocol = 3;  // INET_DIAG_REQ_PROTOCOL

// Two kinds of request (inet_diag_handler_cmd and inet_diag_rcv_msg_compat, net/ipv4/inet_diag.c):
// SOCK_DIAG_BY_FAMILY: struct inet_diag_req_v2   02 06 ff 00  ff ff ff ff  sockid        then attributes
//                                                fam proto ext pad  states
// TCPDIAG_GETSOCK:     struct inet_diag_req      02 00 00 ff  sockid  ff ff ff ff  00 00 00 00
void read_request(const NetlinkMessage& message, base::ByteOrder order, InetDiagDump& dump) {
  if (dump.request_protocol) {
    dump.problems.add(message.offset, "expected one request, found another; the first counts");
    return;
  }
  if (message.type == kTcpDiagGetSock || message.type == kDccpDiagGetSock) {
    // inet_diag_dump_compat walks all families, whatever idiag_family says.
    dump.request_family = kAfUnspec;
    dump.request_protocol = message.type == kTcpDiagGetSock ? kIpprotoTcp : kIpprotoDccp;
    return;
  }
  base::ByteReader reader(message.payload, order);
  const auto family = reader.u8();
  const auto protocol = reader.u8();
  const bool whole = reader.skip(6 + kSockIdBytes);
  if (message.type != kSockDiagByFamily || !whole) {
    dump.problems.add(message.offset, "expected an inet_diag request, found type " +
                                          std::to_string(message.type) + " of " +
                                          std::to_string(message.payload.size()) +
                                          " bytes; family and protocol stay unknown");
    return;
  }
  dump.request_family = *family;
  dump.request_protocol = *protocol;
  const std::uint64_t attributes_offset = message.offset + kMessageHeaderBytes + reader.offset();
  NetlinkAttributeReader attributes(reader.rest(), attributes_offset, order);
  while (const auto attribute = attributes.next()) {
    if (attribute->type != kRequestProtocol) continue;
    const auto wide = attribute_u32(*attribute, order, "INET_DIAG_REQ_PROTOCOL", dump.problems);
    if (wide && *wide <= 0xffff) dump.request_protocol = static_cast<std::uint16_t>(*wide);
  }
  check_attributes_tile(message, attributes, dump.problems);
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
std::unique_ptr<InetDiagAttributes> read_attributes(const NetlinkMessage& message, base::ByteOrder order,
                                                    base::Problems& problems) {
  NetlinkAttributeReader reader(message.payload.substr(kDiagMsgBytes),
                                message.offset + kMessageHeaderBytes + kDiagMsgBytes, order);
  std::unique_ptr<InetDiagAttributes> out;
  while (const auto found = reader.next()) {
    if (!out) out = std::make_unique<InetDiagAttributes>();
    const NetlinkAttribute& attribute = *found;
    switch (attribute.type) {
      case kInfo:
        out->tcp_info_bytes = static_cast<std::uint32_t>(attribute.payload.size());
        break;
      case kCong:
        out->congestion = attribute.payload.substr(0, attribute.payload.find('\0'));
        break;
      case kTos:
        out->tos = attribute_u8(attribute, order, "INET_DIAG_TOS", problems);
        break;
      case kTclass:
        out->tclass = attribute_u8(attribute, order, "INET_DIAG_TCLASS", problems);
        break;
      case kSkmeminfo:
        out->skmeminfo = SkMeminfo{attribute_words(attribute, order, "INET_DIAG_SKMEMINFO", problems)};
        break;
      case kShutdown:
        out->shutdown = attribute_u8(attribute, order, "INET_DIAG_SHUTDOWN", problems);
        break;
      case kProtocol:
        out->protocol = attribute_u8(attribute, order, "INET_DIAG_PROTOCOL", problems);
        break;
      case kSkv6only: {
        const auto value = attribute_u8(attribute, order, "INET_DIAG_SKV6ONLY", problems);
        out->v6only = value ? std::optional<bool>(*value != 0) : std::nullopt;
        break;
      }
      case kMark:
        out->mark = attribute_u32(attribute, order, "INET_DIAG_MARK", problems);
        break;
      case kClassId:
        out->class_id = attribute_u32(attribute, order, "INET_DIAG_CLASS_ID", problems);
        break;
      case kCgroupId:
        out->cgroup_id = attribute_u64(attribute, order, "INET_DIAG_CGROUP_ID", problems);
        break;
      case kSockopt: {
        // struct inet_diag_sockopt is bit fields in bytes and may grow: the first two have a meaning.
        const auto value = base::ByteReader(attribute.payload, base::ByteOrder::little).u16();
        if (!value) {
          problems.add(attribute.offset, "INET_DIAG_SOCKOPT: expected 2 bytes, found " +
                                             std::to_string(attribute.payload.size()) +
                                             "; the record is kept without it");
        }
        out->sockopt = value;
        break;
      }
      default:
        break;  // an attribute that this version doesn't name; its bytes are in the member
    }
  }
  check_attributes_tile(message, reader, problems);
  return out;
}

base::IpAddress address_of(std::uint8_t family, std::string_view sixteen_bytes) {
  return family == kAfInet ? base::IpAddress::v4(sixteen_bytes.substr(0, 4))
                           : base::IpAddress::v6(sixteen_bytes);
}

// struct inet_diag_msg (inet_diag_msg_common_fill, inet_csk_diag_fill, ...):
// 02 01 00 00  1f 90 c3 50  7f 00 00 01 ... (16)  7f 00 00 01 ... (16)  00 00 00 00  01 10 00 00 00 00 00 00
// fam st tmr re sport dport  src                   dst                   if           cookie, low word first
// 00 00 00 00  00 00 00 00  00 00 00 00  e8 03 00 00  3c 06 00 00
// expires      rqueue       wqueue       uid          inode
void read_record(const NetlinkMessage& message, base::ByteOrder order, InetDiagDump& dump) {
  base::ByteReader reader(message.payload, order);
  InetDiagRecord row;
  row.offset = message.offset;
  if (message.payload.size() < kDiagMsgBytes) {
    dump.problems.add(message.offset, "expected an inet_diag_msg of 72 bytes, found " +
                                          std::to_string(message.payload.size()) + "; record skipped");
    return;
  }
  row.family = *reader.u8();
  row.state = *reader.u8();
  row.timer = *reader.u8();
  row.retransmits = *reader.u8();
  if (row.family != kAfInet && row.family != kAfInet6) {
    dump.problems.add(message.offset + kMessageHeaderBytes,
                      "expected family 2 or 10, found " + std::to_string(row.family) + "; record skipped");
    return;
  }
  row.local_port = *reader.u16_network();
  row.peer_port = *reader.u16_network();
  row.local = address_of(row.family, *reader.bytes(16));
  row.peer = address_of(row.family, *reader.bytes(16));
  row.interface_index = *reader.u32();
  // sock_diag_save_cookie: the low word first, whatever the byte order.
  const std::uint64_t cookie_low = *reader.u32();
  row.cookie = cookie_low | std::uint64_t{*reader.u32()} << 32;
  row.expires_msec = *reader.u32();
  row.recv_queue = *reader.u32();
  row.send_queue = *reader.u32();
  row.uid = *reader.u32();
  row.inode = *reader.u32();
  row.attributes = read_attributes(message, order, dump.problems);
  dump.rows.push_back(std::move(row));
}

}  // namespace

InetDiagDump decode_inet_diag(std::string_view bytes) {
  InetDiagDump dump;
  dump.rows.reserve(bytes.size() / kTypicalRecordBytes);
  SockDiagWalk walk;
  walk.on_request = [&dump](const NetlinkMessage& message, base::ByteOrder order) {
    read_request(message, order, dump);
  };
  walk.on_record = [&dump](const NetlinkMessage& message, base::ByteOrder order) {
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

}  // namespace ssnap::decode
