#include "decode/inet_diag.h"

#include "decode/inet_diag_numbers.h"
#include "decode/row_limits.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

constexpr std::uint16_t kIpprotoTcp = 6, kIpprotoDccp = 33;
constexpr std::size_t kSockIdBytes = 48;  // sizeof(struct inet_diag_sockid)
// A TCP record with every attribute: how many to expect.
constexpr std::size_t kTypicalRecordBytes = 400;
constexpr std::size_t kMeminfoBytes = 16;           // sizeof(struct inet_diag_meminfo)
constexpr std::size_t kSockaddrStorageBytes = 128;  // sizeof(struct __kernel_sockaddr_storage)

// enum of include/uapi/linux/inet_diag.h (Linux 6.18).
enum InetDiagAttributeType : std::uint16_t {
  kMeminfo = 1,
  kInfo = 2,
  kVegasinfo = 3,
  kCong = 4,
  kTos = 5,
  kTclass = 6,
  kSkmeminfo = 7,
  kShutdown = 8,
  kDctcpinfo = 9,
  kProtocol = 10,
  kSkv6only = 11,
  kLocals = 12,
  kPeers = 13,
  kPad = 14,
  kMark = 15,
  kBbrinfo = 16,
  kClassId = 17,
  kMd5sig = kInetDiagMd5Sig,
  kUlpInfo = 19,
  kSkBpfStorages = 20,
  kCgroupId = 21,
  kSockopt = 22,
};
constexpr std::uint16_t kRequestProtocol = 3;  // INET_DIAG_REQ_PROTOCOL

// enum of include/uapi/linux/inet_diag.h.
enum UlpInfoAttributeType : std::uint16_t {
  kUlpName = 1,
  kUlpTls = 2,
  kUlpMptcp = 3,
};
// enum of include/uapi/linux/tls.h (Linux 7.0).
enum TlsInfoAttributeType : std::uint16_t {
  kTlsVersion = 1,
  kTlsCipher = 2,
  kTlsTxconf = 3,
  kTlsRxconf = 4,
  kTlsZcRoTx = 5,
  kTlsRxNoPad = 6,
  kTlsTxMaxPayloadLen = 7,
};
// enum of include/uapi/linux/mptcp.h (Linux 6.18).
enum MptcpSubflowAttributeType : std::uint16_t {
  kSubflowTokenRem = 1,
  kSubflowTokenLoc = 2,
  kSubflowRelwriteSeq = 3,
  kSubflowMapSeq = 4,
  kSubflowMapSfseq = 5,
  kSubflowSsnOffset = 6,
  kSubflowMapDatalen = 7,
  kSubflowFlags = 8,
  kSubflowIdRem = 9,
  kSubflowIdLoc = 10,
  kSubflowPad = 11,
};

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
  const std::uint64_t attributes_offset = message.offset + kNetlinkHeaderBytes + reader.offset();
  NetlinkAttributeReader attributes(reader.rest(), attributes_offset, order);
  while (const auto attribute = attributes.next()) {
    if (attribute->type != kRequestProtocol) continue;
    const auto wide = attribute_u32(*attribute, order, "INET_DIAG_REQ_PROTOCOL", dump.problems);
    if (wide && *wide <= 0xffff) dump.request_protocol = static_cast<std::uint16_t>(*wide);
  }
  check_attributes_tile(message, attributes, dump.problems);
}

base::IpAddress address_of(std::uint8_t family, std::string_view sixteen_bytes) {
  return family == kAfInet ? base::IpAddress::v4(sixteen_bytes.substr(0, 4))
                           : base::IpAddress::v6(sixteen_bytes);
}

InetDiagExtras& extras_of(InetDiagAttributes& attributes) {
  if (!attributes.extras) attributes.extras = std::make_unique<InetDiagExtras>();
  return *attributes.extras;
}

TlsUlpInfo read_tls(const NetlinkAttribute& nest, base::ByteOrder order, InetDiagExtras& extras,
                    base::Problems& problems) {
  TlsUlpInfo tls;
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kTlsVersion:
        tls.version = attribute_u16(*attribute, order, "TLS_INFO_VERSION", problems);
        break;
      case kTlsCipher:
        tls.cipher = attribute_u16(*attribute, order, "TLS_INFO_CIPHER", problems);
        break;
      case kTlsTxconf:
        tls.tx_mode = attribute_u16(*attribute, order, "TLS_INFO_TXCONF", problems);
        break;
      case kTlsRxconf:
        tls.rx_mode = attribute_u16(*attribute, order, "TLS_INFO_RXCONF", problems);
        break;
      case kTlsZcRoTx:
        tls.zero_copy_sendfile = true;
        break;
      case kTlsRxNoPad:
        tls.rx_no_padding = true;
        break;
      case kTlsTxMaxPayloadLen:
        tls.tx_max_payload_bytes = attribute_u16(*attribute, order, "TLS_INFO_TX_MAX_PAYLOAD_LEN", problems);
        break;
      default:
        keep_unnamed(*attribute, extras.unnamed, problems);
    }
  }
  check_nested_tile(nest, reader, "INET_ULP_INFO_TLS", problems);
  return tls;
}

MptcpSubflowInfo read_subflow(const NetlinkAttribute& nest, base::ByteOrder order, InetDiagExtras& extras,
                              base::Problems& problems) {
  MptcpSubflowInfo subflow;
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kSubflowTokenRem:
        subflow.remote_token = attribute_u32(*attribute, order, "MPTCP_SUBFLOW_ATTR_TOKEN_REM", problems);
        break;
      case kSubflowTokenLoc:
        subflow.local_token = attribute_u32(*attribute, order, "MPTCP_SUBFLOW_ATTR_TOKEN_LOC", problems);
        break;
      case kSubflowRelwriteSeq:
        subflow.relative_write_sequence =
            attribute_u32(*attribute, order, "MPTCP_SUBFLOW_ATTR_RELWRITE_SEQ", problems);
        break;
      case kSubflowMapSeq:
        subflow.map_sequence = attribute_u64(*attribute, order, "MPTCP_SUBFLOW_ATTR_MAP_SEQ", problems);
        break;
      case kSubflowMapSfseq:
        subflow.map_subflow_sequence =
            attribute_u32(*attribute, order, "MPTCP_SUBFLOW_ATTR_MAP_SFSEQ", problems);
        break;
      case kSubflowSsnOffset:
        subflow.subflow_sequence_offset =
            attribute_u32(*attribute, order, "MPTCP_SUBFLOW_ATTR_SSN_OFFSET", problems);
        break;
      case kSubflowMapDatalen:
        subflow.map_data_length =
            attribute_u16(*attribute, order, "MPTCP_SUBFLOW_ATTR_MAP_DATALEN", problems);
        break;
      case kSubflowFlags:
        subflow.flags = attribute_u32(*attribute, order, "MPTCP_SUBFLOW_ATTR_FLAGS", problems);
        break;
      case kSubflowIdRem:
        subflow.remote_id = attribute_u8(*attribute, order, "MPTCP_SUBFLOW_ATTR_ID_REM", problems);
        break;
      case kSubflowIdLoc:
        subflow.local_id = attribute_u8(*attribute, order, "MPTCP_SUBFLOW_ATTR_ID_LOC", problems);
        break;
      case kSubflowPad:
        break;
      default:
        keep_unnamed(*attribute, extras.unnamed, problems);
    }
  }
  check_nested_tile(nest, reader, "INET_ULP_INFO_MPTCP", problems);
  return subflow;
}

void read_ulp(const NetlinkAttribute& nest, base::ByteOrder order, InetDiagExtras& extras,
              base::Problems& problems) {
  UlpInfo ulp;
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kUlpName:
        ulp.name = attribute_string(*attribute);
        break;
      case kUlpTls:
        ulp.tls = read_tls(*attribute, order, extras, problems);
        break;
      case kUlpMptcp:
        ulp.mptcp = read_subflow(*attribute, order, extras, problems);
        break;
      default:
        keep_unnamed(*attribute, extras.unnamed, problems);
    }
  }
  check_nested_tile(nest, reader, "INET_DIAG_ULP_INFO", problems);
  extras.ulp = std::move(ulp);
}

// One after the other, each 128 bytes whatever its family:
// 02 00  1f 90  7f 00 00 01 ...                                                 sockaddr_in
// 0a 00  1f 90  00 00 00 00  fe 80 00 00 ... (16)  02 00 00 00 ...              sockaddr_in6
// family port   flowinfo     address               scope
std::vector<SocketAddress> read_socket_addresses(const NetlinkAttribute& attribute, base::ByteOrder order,
                                                 std::string_view name, base::Problems& problems) {
  std::vector<SocketAddress> out;
  base::ByteReader list(attribute.payload, order);
  while (list.remaining() >= kSockaddrStorageBytes) {
    base::ByteReader reader(*list.bytes(kSockaddrStorageBytes), order);
    SocketAddress address;
    address.family = *reader.u16();
    address.port = *reader.u16_network();
    if (address.family == kAfInet) {
      address.address = base::IpAddress::v4(*reader.bytes(4));
    } else if (address.family == kAfInet6) {
      (void)reader.u32();  // sin6_flowinfo
      address.address = base::IpAddress::v6(*reader.bytes(16));
      address.scope_id = *reader.u32();
    }
    out.push_back(address);
  }
  if (!list.at_end()) {
    problems.add(attribute.offset, std::string(name) + ": expected structures of 128 bytes, found " +
                                       std::to_string(attribute.payload.size()) +
                                       " bytes; the whole ones are kept");
  }
  return out;
}

// struct tcp_diag_md5sig, one after the other:
// 02     20         06 00   0a 00 00 02 ... (16)  80 bytes of key
// family prefixlen  keylen  addr
std::vector<Md5Peer> read_md5_peers(const NetlinkAttribute& attribute, base::ByteOrder order,
                                    base::Problems& problems) {
  std::vector<Md5Peer> out;
  base::ByteReader list(attribute.payload, order);
  while (list.remaining() >= kMd5SigBytes) {
    base::ByteReader reader(*list.bytes(kMd5SigBytes), order);
    Md5Peer peer;
    peer.family = *reader.u8();
    peer.prefix_length = *reader.u8();
    peer.key_length_bytes = *reader.u16();
    peer.address = address_of(peer.family, *reader.bytes(16));
    peer.key_is_zero = reader.rest().find_first_not_of('\0') == std::string_view::npos;
    out.push_back(peer);
  }
  if (!list.at_end()) {
    problems.add(attribute.offset, "INET_DIAG_MD5SIG: expected structures of 100 bytes, found " +
                                       std::to_string(attribute.payload.size()) +
                                       " bytes; the whole ones are kept");
  }
  return out;
}

std::optional<InetDiagMeminfo> read_meminfo(const NetlinkAttribute& attribute, base::ByteOrder order,
                                            base::Problems& problems) {
  auto reader = attribute_struct(attribute, kMeminfoBytes, order, "INET_DIAG_MEMINFO", problems);
  if (!reader) return std::nullopt;
  InetDiagMeminfo meminfo;
  meminfo.rmem = *reader->u32();
  meminfo.wmem_queued = *reader->u32();
  meminfo.fmem = *reader->u32();
  meminfo.tmem = *reader->u32();
  return meminfo;
}

// Each attribute stands alone: a bad one is left out, the others are kept. Of two of one type the last
// counts.
std::unique_ptr<InetDiagAttributes> read_attributes(const NetlinkMessage& message, base::ByteOrder order,
                                                    base::Problems& problems) {
  NetlinkAttributeReader reader = attributes_after(message, kInetDiagMsgBytes, order);
  std::unique_ptr<InetDiagAttributes> out;
  while (const auto found = reader.next()) {
    if (!out) out = std::make_unique<InetDiagAttributes>();
    const NetlinkAttribute& attribute = *found;
    switch (attribute.type) {
      case kMeminfo:
        out->meminfo = read_meminfo(attribute, order, problems);
        break;
      case kInfo:
        out->tcp_info_bytes = static_cast<std::uint32_t>(attribute.payload.size());
        out->info = payload_span(attribute);
        break;
      case kVegasinfo:
      case kDctcpinfo:
      case kBbrinfo:
        out->congestion_info = CongestionInfo{attribute.type, payload_span(attribute)};
        break;
      case kCong:
        out->congestion = attribute_string(attribute);
        break;
      case kTos:
        out->tos = attribute_u8(attribute, order, "INET_DIAG_TOS", problems);
        break;
      case kTclass:
        out->tclass = attribute_u8(attribute, order, "INET_DIAG_TCLASS", problems);
        break;
      case kSkmeminfo:
        out->skmeminfo = attribute_words<SkMeminfo>(attribute, order, "INET_DIAG_SKMEMINFO", problems);
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
      case kLocals:
        extras_of(*out).locals = read_socket_addresses(attribute, order, "INET_DIAG_LOCALS", problems);
        break;
      case kPeers:
        extras_of(*out).peers = read_socket_addresses(attribute, order, "INET_DIAG_PEERS", problems);
        break;
      case kPad:
        break;
      case kMd5sig:
        extras_of(*out).md5_peers = read_md5_peers(attribute, order, problems);
        break;
      case kUlpInfo:
        read_ulp(attribute, order, extras_of(*out), problems);
        break;
      case kSkBpfStorages:
        extras_of(*out).bpf_storages = payload_span(attribute);
        break;
      default:
        keep_unnamed(attribute, extras_of(*out).unnamed, problems);
    }
  }
  check_attributes_tile(message, reader, problems);
  return out;
}

// struct inet_diag_msg (inet_diag_msg_common_fill, inet_csk_diag_fill, ...):
// 02 01 00 00  1f 90 c3 50  7f 00 00 01 ... (16)  7f 00 00 01 ... (16)  00 00 00 00  01 10 00 00 00 00 00 00
// fam st tmr re sport dport  src                   dst                   if           cookie, low word first
// 00 00 00 00  00 00 00 00  00 00 00 00  e8 03 00 00  3c 06 00 00
// expires      rqueue       wqueue       uid          inode
bool read_record(const NetlinkMessage& message, base::ByteOrder order, InetDiagDump& dump) {
  base::ByteReader reader(message.payload, order);
  InetDiagRecord row;
  row.offset = message.offset;
  if (message.payload.size() < kInetDiagMsgBytes) {
    dump.problems.add(message.offset, "expected an inet_diag_msg of 72 bytes, found " +
                                          std::to_string(message.payload.size()) + "; record skipped");
    return false;
  }
  row.family = *reader.u8();
  row.state = *reader.u8();
  row.timer = *reader.u8();
  row.retransmits = *reader.u8();
  if (row.family != kAfInet && row.family != kAfInet6) {
    dump.problems.add(message.offset + kNetlinkHeaderBytes,
                      "expected family 2 or 10, found " + std::to_string(row.family) + "; record skipped");
    return false;
  }
  row.local_port = *reader.u16_network();
  row.peer_port = *reader.u16_network();
  row.local = address_of(row.family, *reader.bytes(16));
  row.peer = address_of(row.family, *reader.bytes(16));
  row.interface_index = *reader.u32();
  row.cookie = read_cookie(reader);
  row.expires_msec = *reader.u32();
  row.recv_queue = *reader.u32();
  row.send_queue = *reader.u32();
  row.uid = *reader.u32();
  row.inode = *reader.u32();
  row.attributes = read_attributes(message, order, dump.problems);
  dump.rows.push_back(std::move(row));
  return true;
}

}  // namespace

InetDiagDump decode_inet_diag(std::string_view bytes, const std::function<void(const InetDiagDump&)>& on_row) {
  InetDiagDump dump;
  dump.rows.reserve(bytes.size() / kTypicalRecordBytes);
  SockDiagWalk walk;
  walk.on_request = [&dump](const NetlinkMessage& message, base::ByteOrder order) {
    read_request(message, order, dump);
  };
  walk.on_record = [&dump, &on_row](const NetlinkMessage& message, base::ByteOrder order) {
    if (dump.rows.size() == kMaxRows) {
      dump.problems.add(message.offset, "expected at most " + std::to_string(kMaxRows) +
                                            " records, found more; the rest is left out");
      return false;
    }
    if (read_record(message, order, dump) && on_row) on_row(dump);
    return true;
  };
  walk_sock_diag_dump(bytes, walk, dump.end, dump.problems);
  return dump;
}

}  // namespace ssnap::decode
