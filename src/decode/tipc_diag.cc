#include "decode/tipc_diag.h"

#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

// enums of include/uapi/linux/tipc_netlink.h (Linux 6.18).
constexpr std::uint16_t kSocket = 2;  // TIPC_NLA_SOCK
enum TipcSocketAttributeType : std::uint16_t {
  kAddr = 1,
  kRef = 2,
  kCon = 3,
  kHasPubl = 4,
  kStat = 5,
  kType = 6,
  kIno = 7,
  kUid = 8,
  kState = 9,
  kCookie = 10,
  kPad = 11,
  kGroup = 12,
};
enum TipcConnectionAttributeType : std::uint16_t {
  kConFlag = 1,
  kConNode = 2,
  kConSock = 3,
  kConType = 4,
  kConInst = 5,
};
// This one begins at 0: TIPC_NLA_SOCK_STAT_RCVQ.
enum TipcStatAttributeType : std::uint16_t {
  kStatRcvq = 0,
  kStatSendq = 1,
  kStatLinkCong = 2,
  kStatConnCong = 3,
  kStatDrop = 4,
};

void read_connection(const NetlinkAttribute& nest, base::ByteOrder order, TipcDiagRecord& row,
                     base::Problems& problems) {
  TipcConnection connection;
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kConFlag:  // says that type and instance follow
        break;
      case kConNode:
        connection.peer_node = attribute_u32(*attribute, order, "TIPC_NLA_CON_NODE", problems);
        break;
      case kConSock:
        connection.peer_port = attribute_u32(*attribute, order, "TIPC_NLA_CON_SOCK", problems);
        break;
      case kConType:
        connection.service_type = attribute_u32(*attribute, order, "TIPC_NLA_CON_TYPE", problems);
        break;
      case kConInst:
        connection.service_instance = attribute_u32(*attribute, order, "TIPC_NLA_CON_INST", problems);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_nested_tile(nest, reader, "TIPC_NLA_SOCK_CON", problems);
  row.connection = connection;
}

void read_stat(const NetlinkAttribute& nest, base::ByteOrder order, TipcDiagRecord& row,
               base::Problems& problems) {
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kStatRcvq:
        row.recv_queue = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_STAT_RCVQ", problems);
        break;
      case kStatSendq:
        row.send_queue = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_STAT_SENDQ", problems);
        break;
      case kStatLinkCong:
        row.link_congested = true;
        break;
      case kStatConnCong:
        row.connection_congested = true;
        break;
      case kStatDrop:
        row.drops = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_STAT_DROP", problems);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_nested_tile(nest, reader, "TIPC_NLA_SOCK_STAT", problems);
}

void read_socket(const NetlinkAttribute& nest, base::ByteOrder order, TipcDiagRecord& row,
                 base::Problems& problems) {
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kAddr:
        row.node = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_ADDR", problems);
        break;
      case kRef:
        row.port = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_REF", problems);
        break;
      case kCon:
        read_connection(*attribute, order, row, problems);
        break;
      case kHasPubl:
        row.published = true;
        break;
      case kStat:
        read_stat(*attribute, order, row, problems);
        break;
      case kType:
        row.type = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_TYPE", problems);
        break;
      case kIno:
        row.inode = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_INO", problems);
        break;
      case kUid:
        row.uid = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_UID", problems);
        break;
      case kState:
        row.state = attribute_u32(*attribute, order, "TIPC_NLA_SOCK_TIPC_STATE", problems);
        break;
      case kCookie:
        row.cookie = attribute_u64(*attribute, order, "TIPC_NLA_SOCK_COOKIE", problems);
        break;
      case kPad:
        break;
      case kGroup:
        row.group = payload_span(*attribute);
        break;
      default:
        keep_unnamed(*attribute, row.unnamed, problems);
    }
  }
  check_nested_tile(nest, reader, "TIPC_NLA_SOCK", problems);
}

// 5c 00 02 00       08 00 01 00 01 10 00 01  08 00 02 00 ...
// TIPC_NLA_SOCK     TIPC_NLA_SOCK_ADDR       TIPC_NLA_SOCK_REF
void read_record(const NetlinkMessage& message, base::ByteOrder order, TipcDiagDump& dump) {
  TipcDiagRecord row;
  row.offset = message.offset;
  bool found = false;
  NetlinkAttributeReader reader = attributes_after(message, 0, order);
  while (const auto attribute = reader.next()) {
    if (attribute->type == kSocket) {
      read_socket(*attribute, order, row, dump.problems);
      found = true;
    } else {
      keep_unnamed(*attribute, row.unnamed, dump.problems);
    }
  }
  check_attributes_tile(message, reader, dump.problems);
  if (!found) {
    dump.problems.add(message.offset, "expected TIPC_NLA_SOCK, found a message of " +
                                          std::to_string(message.payload.size()) +
                                          " bytes without it; record skipped");
    return;
  }
  dump.rows.push_back(std::move(row));
}

}  // namespace

TipcDiagDump decode_tipc_diag(std::string_view bytes) {
  return decode_sock_diag_dump<TipcDiagDump>(bytes, read_record);
}

}  // namespace ssnap::decode
