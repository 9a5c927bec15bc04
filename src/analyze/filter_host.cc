#include "analyze/filter_host.h"

#include <algorithm>

#include "analyze/filter_words.h"
#include "base/text_cursor.h"

namespace ssnap::analyze {
namespace {

using base::Error;
using base::IpAddress;
using base::Result;

constexpr std::string_view kAnyPort = "*";

bool is_any_word(std::string_view address) {
  return address.empty() || address == "*" || address == "any" || address == "all" || address == "default";
}

// Removes "FAMILY:" from the front of `text`.
HostFamily take_family(std::string_view& text, HostFamily unprefixed) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return unprefixed;
  const auto family = find_family(text.substr(0, colon));
  if (!family) return unprefixed;
  text.remove_prefix(colon + 1);
  return *family;
}

// The parts that are not written are zeros: 10/8, 193.233.7/24 (get_addr_ipv4, iproute2).
std::optional<IpAddress> parse_ipv4(std::string_view text) {
  IpAddress address;
  address.length = 4;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto dot = text.find('.');
    const auto part = parse_c_integer(text.substr(0, dot));
    if (!part || *part > 255) return std::nullopt;
    address.bytes[i] = static_cast<std::uint8_t>(*part);
    if (dot == std::string_view::npos) return address;
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

// "24", or as a mask: "255.255.255.0".
std::optional<unsigned> parse_prefix_bits(std::string_view text, const IpAddress& address) {
  const unsigned most = address.length * 8u;
  if (const auto bits = parse_c_integer(text)) return *bits <= most ? std::optional(static_cast<unsigned>(*bits)) : std::nullopt;
  const auto mask = address.is_v4() ? parse_ipv4(text) : parse_ipv6(text);
  if (!mask) return std::nullopt;
  unsigned bits = 0;
  while (bits < most && (mask->bytes[bits / 8] >> (7 - bits % 8) & 1) != 0) ++bits;
  for (unsigned i = bits; i < most; ++i)
    if ((mask->bytes[i / 8] >> (7 - i % 8) & 1) != 0) return std::nullopt;
  return bits;
}

// ADDRESS[/PREFIX] into `host`; false where it is none of its family.
bool read_address(std::string_view text, HostCondition& host) {
  const auto slash = text.find('/');
  const std::string_view bare = text.substr(0, slash);
  if (is_any_word(bare)) return slash == std::string_view::npos;
  const bool v6 = bare.find(':') != std::string_view::npos;
  if (host.family == (v6 ? HostFamily::inet : HostFamily::inet6)) return false;
  const auto address = v6 ? parse_ipv6(bare) : parse_ipv4(bare);
  if (!address) return false;
  host.prefix_bits = address->length * 8u;
  if (slash != std::string_view::npos) {
    const auto bits = parse_prefix_bits(text.substr(slash + 1), *address);
    if (!bits) return false;
    host.prefix_bits = *bits;
  }
  host.address = address;
  return true;
}

// A number, `*`, or a name that may stand for a number in this family.
bool read_port(std::string_view text, HostCondition& host) {
  if (text.empty() || text == kAnyPort) return true;
  const bool negative = text.front() == '-';
  if (const auto number = parse_c_integer(text.substr(negative ? 1 : 0))) {
    if (*number > INT64_MAX) return false;
    host.port = negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
    return true;
  }
  switch (host.family) {
    case HostFamily::netlink:
      if (text != "kernel") return false;
      host.port = 0;
      return true;
    case HostFamily::vsock:
    case HostFamily::unix_name: return false;
    default: host.port_name = text; return true;
  }
}

std::string expected_address(HostFamily family) {
  const std::string port = "[:PORT]; names are not resolved, an archive has no DNS";
  if (family == HostFamily::inet) return "an IPv4 address[/PREFIX]" + port;
  if (family == HostFamily::inet6) return "an IPv6 address[/PREFIX] in brackets" + port;
  return "an address[/PREFIX]" + port + "; IPv6 in brackets; or FAMILY: before it: inet, inet6, unix, link, netlink, vsock";
}

Result<HostCondition> inet_host(std::string_view text, HostCondition host) {
  const auto failed = [&] { return Error{expected_address(host.family)}; };
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return failed();
    const std::string_view address = text.substr(1, close - 1), rest = text.substr(close + 1);
    // [::1]/64 is written like [::1/64].
    const auto colon = rest.find(':');
    const std::string_view prefix = rest.substr(0, colon);
    if (!prefix.empty() && !prefix.starts_with('/')) return failed();
    if (!read_address(std::string(address) + std::string(prefix), host)) return failed();
    if (colon != std::string_view::npos && !read_port(rest.substr(colon + 1), host)) return failed();
    return host;
  }
  // As ss splits it: at the last colon, after the prefix where there is one.
  const auto slash = std::min(text.find('/'), text.size());
  const auto colon = text.substr(slash == text.size() ? 0 : slash).rfind(':');
  if (colon == std::string_view::npos) return read_address(text, host) ? Result<HostCondition>(host) : failed();
  const auto split = colon + (slash == text.size() ? 0 : slash);
  auto split_host = host;
  if (read_address(text.substr(0, split), split_host) && read_port(text.substr(split + 1), split_host)) return split_host;
  // ::1, fe80::1: what is before the last colon is no address, all of it is.
  return read_address(text, host) ? Result<HostCondition>(host) : failed();
}

}  // namespace

std::optional<IpAddress> parse_ipv6(std::string_view text) {
  IpAddress address;
  address.length = 16;
  std::size_t count = 0;               // bytes read
  std::optional<std::size_t> zeros_at;  // where `::` stands
  if (text.starts_with("::")) {
    zeros_at = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    const auto colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      // Four decimal parts, unlike in a rule for IPv4.
      if (colon != std::string_view::npos || count > 12 || std::count(group.begin(), group.end(), '.') != 3) return std::nullopt;
      std::string_view rest = group;
      for (int i = 0; i < 4; ++i) {
        const auto dot = rest.find('.');
        const auto part = base::parse_integer<std::uint8_t>(rest.substr(0, dot));
        if (!part) return std::nullopt;
        address.bytes[count++] = *part;
        rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
      }
      break;
    }
    const auto value = base::parse_integer<std::uint16_t>(group, 16);
    if (!value || group.size() > 4 || count > 14) return std::nullopt;
    address.bytes[count++] = static_cast<std::uint8_t>(*value >> 8);
    address.bytes[count++] = static_cast<std::uint8_t>(*value & 0xff);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.starts_with(':')) {
      if (zeros_at) return std::nullopt;
      zeros_at = count;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return std::nullopt;
    }
  }
  if (zeros_at) {
    if (count > 14) return std::nullopt;
    std::move_backward(address.bytes.begin() + static_cast<std::ptrdiff_t>(*zeros_at),
                       address.bytes.begin() + static_cast<std::ptrdiff_t>(count), address.bytes.end());
    std::fill_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(*zeros_at), 16 - count, std::uint8_t{0});
    return address;
  }
  return count == 16 ? std::optional(address) : std::nullopt;
}

Result<HostCondition> parse_host(std::string_view text, HostFamily unprefixed) {
  HostCondition host;
  const bool names_itself = unprefixed == HostFamily::any && (text.starts_with('/') || text.starts_with('@'));
  host.family = take_family(text, names_itself ? HostFamily::unix_name : unprefixed);
  switch (host.family) {
    case HostFamily::unix_name: host.pattern = text; return host;
    case HostFamily::any:
    case HostFamily::inet:
    case HostFamily::inet6: return inet_host(text, host);
    default: break;
  }
  // PROTOCOL:INTERFACE, PROTOCOL:PORT-ID, CID:PORT.
  const auto colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (!name.empty() && name != "*") {
    if (host.family == HostFamily::link) host.number = find_ethertype(name);
    if (host.family == HostFamily::netlink) host.number = find_netlink_protocol(name);
    if (host.family == HostFamily::vsock)
      if (const auto cid = parse_c_integer(name); cid && *cid <= UINT32_MAX) host.number = static_cast<std::uint32_t>(*cid);
  }
  const bool read = (name.empty() || name == "*" || host.number) &&
                    (colon == std::string_view::npos || read_port(text.substr(colon + 1), host));
  if (read) return host;
  if (host.family == HostFamily::link) return Error{"link:ETHERNET-PROTOCOL[:INTERFACE]"};
  if (host.family == HostFamily::netlink) return Error{"netlink:PROTOCOL[:PORT-ID]; port id `kernel` is 0"};
  return Error{"vsock:CID[:PORT], in numbers"};
}

Result<HostCondition> parse_port(std::string_view text, HostFamily unprefixed) {
  HostCondition host;
  host.family = take_family(text, unprefixed);
  const std::string_view port = text.substr(text.starts_with(':') ? 1 : 0);
  if (read_port(port, host)) {
    // An address: the port is behind its last colon.
    if (host.port_name.find(':') == std::string::npos) return host;
  } else if (host.family == HostFamily::unix_name) {
    host.pattern = text;
    return host;
  }
  return Error{"[FAMILY:]:PORT; for an address, src or dst"};
}

}  // namespace ssnap::analyze
