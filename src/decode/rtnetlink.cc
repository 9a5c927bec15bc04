#include "decode/rtnetlink.h"

#include "decode/describe.h"
#include "decode/inet_diag_numbers.h"
#include "decode/row_limits.h"
#include "decode/sock_diag_dump.h"

namespace ssnap::decode {
namespace {

// include/uapi/linux/rtnetlink.h. Types below are netlink's own; whatever else comes is counted.
constexpr std::uint16_t kRtmBase = 16;
constexpr std::uint16_t kRtmNewLink = 16;
constexpr std::uint16_t kRtmNewAddr = 20;
constexpr std::uint16_t kRtmNewNsid = 88;
constexpr std::size_t kIfinfomsgBytes = 16;  // sizeof(struct ifinfomsg)
constexpr std::size_t kIfaddrmsgBytes = 8;   // sizeof(struct ifaddrmsg)
constexpr std::size_t kRtgenmsgBytes = 4;    // sizeof(struct rtgenmsg), rounded up
// Names of one link: the kernel has no limit but the message's 64 KiB.
constexpr std::size_t kMaxAlternativeNames = 256;

// enums of include/uapi/linux/if_link.h (Linux 6.18).
enum LinkAttributeType : std::uint16_t {
  kIflaAddress = 1,
  kIflaBroadcast = 2,
  kIflaIfname = 3,
  kIflaMtu = 4,
  kIflaLink = 5,
  kIflaMaster = 10,
  kIflaOperstate = 16,
  kIflaLinkinfo = 18,
  kIflaPromiscuity = 30,
  kIflaLinkNetnsid = 37,
  kIflaPropList = 52,
  kIflaAltIfname = 53,
};
constexpr std::uint16_t kInfoKind = 1, kInfoData = 2;  // IFLA_INFO_KIND, IFLA_INFO_DATA

// Where the kinds that hold a UDP socket in the kernel keep its port, big-endian.
struct TunnelPort {
  std::string_view kind;
  std::uint16_t attribute_type;
};
constexpr TunnelPort kTunnelPorts[] = {
    {"vxlan", 15},   // IFLA_VXLAN_PORT
    {"geneve", 5},   // IFLA_GENEVE_PORT
    {"bareudp", 1},  // IFLA_BAREUDP_PORT
};

// enum of include/uapi/linux/if_addr.h.
enum AddressAttributeType : std::uint16_t {
  kIfaAddress = 1,
  kIfaLocal = 2,
  kIfaLabel = 3,
  kIfaBroadcast = 4,
  kIfaFlags = 8,
};

// enum of include/uapi/linux/net_namespace.h.
enum NsidAttributeType : std::uint16_t {
  kNetnsaNsid = 1,
  kNetnsaPid = 2,
  kNetnsaFd = 3,
  kNetnsaCurrentNsid = 5,
};

bool is_rtnetlink_message(std::uint16_t type) {
  return type >= kRtmBase;
}

std::optional<std::int32_t> attribute_s32(const NetlinkAttribute& attribute, base::ByteOrder order,
                                          std::string_view name, base::Problems& problems) {
  const auto value = attribute_u32(attribute, order, name, problems);
  return value ? std::optional<std::int32_t>(static_cast<std::int32_t>(*value)) : std::nullopt;
}

std::optional<std::uint16_t> find_tunnel_port(std::string_view kind, const NetlinkAttribute& data,
                                              base::ByteOrder order, base::Problems& problems) {
  for (const TunnelPort& known : kTunnelPorts) {
    if (known.kind != kind) continue;
    NetlinkAttributeReader reader = nested_attributes(data, order);
    while (const auto attribute = reader.next()) {
      if (attribute->type == known.attribute_type)
        return attribute_u16(*attribute, base::ByteOrder::big, "the tunnel's port", problems);
    }
  }
  return std::nullopt;
}

void read_link_info(const NetlinkAttribute& nest, base::ByteOrder order, RtLink& link,
                    base::Problems& problems) {
  std::optional<NetlinkAttribute> data;
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    if (attribute->type == kInfoKind) link.kind = attribute_string(*attribute);
    if (attribute->type == kInfoData) data = attribute;
  }
  check_nested_tile(nest, reader, "IFLA_LINKINFO", problems);
  if (!data) return;
  link.info_data = payload_span(*data);
  if (link.kind) link.tunnel_port = find_tunnel_port(*link.kind, *data, order, problems);
}

void read_names(const NetlinkAttribute& nest, base::ByteOrder order, RtLink& link, base::Problems& problems) {
  NetlinkAttributeReader reader = nested_attributes(nest, order);
  while (const auto attribute = reader.next()) {
    if (attribute->type != kIflaAltIfname) continue;
    if (link.alternative_names.size() == kMaxAlternativeNames) {
      problems.add(attribute->offset, "IFLA_PROP_LIST: expected at most " +
                                          std::to_string(kMaxAlternativeNames) +
                                          " names, found more; the rest is left out");
      return;
    }
    link.alternative_names.push_back(attribute_string(*attribute));
  }
  check_nested_tile(nest, reader, "IFLA_PROP_LIST", problems);
}

// Of struct rtnl_link only what tells where a link leads; a hundred other attributes stay in the member.
void read_link_attributes(const NetlinkMessage& message, base::ByteOrder order, RtLink& link,
                          base::Problems& problems) {
  NetlinkAttributeReader reader = attributes_after(message, kIfinfomsgBytes, order);
  while (const auto attribute = reader.next()) {
    switch (attribute->type) {
      case kIflaAddress:
        link.address = attribute->payload;
        break;
      case kIflaBroadcast:
        link.broadcast = attribute->payload;
        break;
      case kIflaIfname:
        link.name = at_most(kMaxInterfaceNameBytes, attribute_string(*attribute), "IFLA_IFNAME", attribute->offset, problems);
        break;
      case kIflaMtu:
        link.mtu_bytes = attribute_u32(*attribute, order, "IFLA_MTU", problems);
        break;
      case kIflaLink:
        link.link_index = attribute_u32(*attribute, order, "IFLA_LINK", problems);
        break;
      case kIflaMaster:
        link.master_index = attribute_u32(*attribute, order, "IFLA_MASTER", problems);
        break;
      case kIflaOperstate:
        link.operational_state = attribute_u8(*attribute, order, "IFLA_OPERSTATE", problems);
        break;
      case kIflaLinkinfo:
        read_link_info(*attribute, order, link, problems);
        break;
      case kIflaPromiscuity:
        link.promiscuity = attribute_u32(*attribute, order, "IFLA_PROMISCUITY", problems);
        break;
      case kIflaLinkNetnsid:
        link.link_netns_id = attribute_s32(*attribute, order, "IFLA_LINK_NETNSID", problems);
        break;
      case kIflaPropList:
        read_names(*attribute, order, link, problems);
        break;
      default:
        break;
    }
  }
  check_attributes_tile(message, reader, problems);
}

bool long_enough(const NetlinkMessage& message, std::string_view structure, std::size_t size,
                 base::Problems& problems) {
  if (message.payload.size() >= size) return true;
  problems.add(message.offset, "expected " + std::string(structure) + " of " + std::to_string(size) +
                                   " bytes, found " + std::to_string(message.payload.size()) +
                                   "; record skipped");
  return false;
}

// 00 00 01 00     02 00 00 00  43 10 01 00  00 00 00 00   (rtnl_fill_ifinfo, net/core/rtnetlink.c)
// fam pad type    index        flags        change
void read_link(const NetlinkMessage& message, base::ByteOrder order, RtnetlinkDump& dump) {
  if (!long_enough(message, "an ifinfomsg", kIfinfomsgBytes, dump.problems)) return;
  base::ByteReader reader(message.payload, order);
  RtLink link;
  link.offset = message.offset;
  (void)reader.u16();  // family and padding
  link.hardware_type = *reader.u16();
  link.index = *reader.u32();
  link.flags = *reader.u32();
  read_link_attributes(message, order, link, dump.problems);
  dump.links.push_back(std::move(link));
}

std::optional<base::IpAddress> read_address_bytes(const NetlinkAttribute& attribute, std::uint8_t family,
                                                  std::string_view name, base::Problems& problems) {
  const std::size_t size = family == kAfInet ? 4 : 16;
  if (attribute.payload.size() == size)
    return size == 4 ? base::IpAddress::v4(attribute.payload) : base::IpAddress::v6(attribute.payload);
  problems.add(attribute.offset, std::string(name) + ": expected " + std::to_string(size) + " bytes, found " +
                                     std::to_string(attribute.payload.size()) +
                                     "; the record is kept without it");
  return std::nullopt;
}

// 02     08         80     fe     01 00 00 00   (inet_fill_ifaddr, net/ipv4/devinet.c)
// family prefixlen  flags  scope  index
void read_address(const NetlinkMessage& message, base::ByteOrder order, RtnetlinkDump& dump) {
  if (!long_enough(message, "an ifaddrmsg", kIfaddrmsgBytes, dump.problems)) return;
  base::ByteReader reader(message.payload, order);
  RtAddress row;
  row.offset = message.offset;
  row.family = *reader.u8();
  if (row.family != kAfInet && row.family != kAfInet6) {
    ++dump.other_messages;  // DECnet and the like
    return;
  }
  row.prefix_length = *reader.u8();
  row.flags = *reader.u8();  // the low eight bits: IFA_FLAGS has them all, since 3.14
  row.scope = *reader.u8();
  row.interface_index = *reader.u32();
  NetlinkAttributeReader attributes = attributes_after(message, kIfaddrmsgBytes, order);
  while (const auto attribute = attributes.next()) {
    switch (attribute->type) {
      case kIfaAddress:
        row.address = read_address_bytes(*attribute, row.family, "IFA_ADDRESS", dump.problems);
        break;
      case kIfaLocal:
        row.local = read_address_bytes(*attribute, row.family, "IFA_LOCAL", dump.problems);
        break;
      case kIfaLabel:
        row.label = attribute_string(*attribute);
        break;
      case kIfaBroadcast:
        row.broadcast = read_address_bytes(*attribute, row.family, "IFA_BROADCAST", dump.problems);
        break;
      case kIfaFlags:
        row.flags = attribute_u32(*attribute, order, "IFA_FLAGS", dump.problems).value_or(row.flags);
        break;
      default:
        break;
    }
  }
  check_attributes_tile(message, attributes, dump.problems);
  dump.addresses.push_back(std::move(row));
}

// struct rtgenmsg, one byte of family and its padding, then attributes (rtnl_net_fill,
// net/core/net_namespace.c).
void read_nsid(const NetlinkMessage& message, base::ByteOrder order, RtnetlinkDump& dump) {
  if (!long_enough(message, "an rtgenmsg", kRtgenmsgBytes, dump.problems)) return;
  RtNsid row;
  row.offset = message.offset;
  NetlinkAttributeReader attributes = attributes_after(message, kRtgenmsgBytes, order);
  while (const auto attribute = attributes.next()) {
    switch (attribute->type) {
      case kNetnsaNsid:
        row.nsid = attribute_s32(*attribute, order, "NETNSA_NSID", dump.problems);
        break;
      case kNetnsaPid:
        row.pid = attribute_u32(*attribute, order, "NETNSA_PID", dump.problems);
        break;
      case kNetnsaFd:
        row.fd = attribute_u32(*attribute, order, "NETNSA_FD", dump.problems);
        break;
      case kNetnsaCurrentNsid:
        row.current_nsid = attribute_s32(*attribute, order, "NETNSA_CURRENT_NSID", dump.problems);
        break;
      default:
        break;
    }
  }
  check_attributes_tile(message, attributes, dump.problems);
  dump.nsids.push_back(row);
}

void read_record(const NetlinkMessage& message, base::ByteOrder order, RtnetlinkDump& dump) {
  switch (message.type) {
    case kRtmNewLink:
      return read_link(message, order, dump);
    case kRtmNewAddr:
      return read_address(message, order, dump);
    case kRtmNewNsid:
      return read_nsid(message, order, dump);
    default:
      ++dump.other_messages;
  }
}

}  // namespace

RtnetlinkDump decode_rtnetlink(std::string_view bytes) {
  RtnetlinkDump dump;
  SockDiagWalk walk;
  walk.is_record = is_rtnetlink_message;
  walk.expected = "an rtnetlink message";
  walk.on_request = [](const NetlinkMessage&, base::ByteOrder) {};
  walk.on_record = [&dump](const NetlinkMessage& message, base::ByteOrder order) {
    if (dump.links.size() + dump.addresses.size() + dump.nsids.size() == kMaxRows) {
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
