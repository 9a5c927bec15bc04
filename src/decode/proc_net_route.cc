#include "decode/proc_net_route.h"

#include "decode/hex_address.h"
#include "decode/text_row.h"

namespace ssnap::decode {

// Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
// eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
// Linux 2.6.18 to 7.2.
base::Decoded<ProcNetRouteRow> decode_proc_net_route(std::string_view bytes, base::ByteOrder order) {
  return decode_rows<ProcNetRouteRow>(bytes, "Iface", [order](RowReader& reader, ProcNetRouteRow& row) {
    const auto address = [&](std::string_view expected, base::IpAddress& out) {
      return reader.take(expected, out, [order](std::string_view field) { return hex_address_v4(field, order); });
    };
    std::string_view interface;
    if (!reader.word("an interface", interface)) return false;
    row.interface = interface;
    return address("Destination, 8 hex digits", row.destination) && address("Gateway, 8 hex digits", row.gateway) &&
           reader.number("Flags, a hex number", row.flags, 16) && reader.int_as_u32("RefCnt, a decimal number", row.ref_count) &&
           reader.int_as_u32("Use, a decimal number", row.use) && reader.int_as_u32("Metric, a decimal number", row.metric) &&
           address("Mask, 8 hex digits", row.mask) && reader.int_as_u32("MTU, a decimal number", row.mtu_bytes) &&
           reader.int_as_u32("Window, a decimal number", row.window_bytes) && reader.int_as_u32("IRTT, a decimal number", row.irtt);
  });
}

// fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000002 00000000 00000001     eth0
// destination, prefix length       source, prefix length               gateway                          metric   refcnt   use      flags
// Linux 2.6.18 to 7.2; the source is always "::" without CONFIG_IPV6_SUBTREES.
base::Decoded<ProcNetRouteRow> decode_proc_net_ipv6_route(std::string_view bytes) {
  return decode_rows<ProcNetRouteRow>(bytes, {}, [](RowReader& reader, ProcNetRouteRow& row) {
    base::IpAddress source;
    std::uint32_t source_length = 0;
    std::string_view interface;
    if (!reader.take("a destination, 32 hex digits", row.destination, hex_address_v6) ||
        !reader.number("its prefix length, hex", row.prefix_length, 16) ||
        !reader.take("a source, 32 hex digits", source, hex_address_v6) ||
        !reader.number("its prefix length, hex", source_length, 16) ||
        !reader.take("a gateway, 32 hex digits", row.gateway, hex_address_v6) || !reader.number("a metric, hex", row.metric, 16) ||
        !reader.number("a reference count, hex", row.ref_count, 16) || !reader.number("a use count, hex", row.use, 16) ||
        !reader.number("flags, hex", row.flags, 16) || !reader.word("an interface", interface))
      return false;
    row.interface = interface;
    return true;
  });
}

}  // namespace ssnap::decode
