// HOST and PORT of src, dst, sport and dport.
#pragma once

#include <string>
#include <string_view>

#include "analyze/filter_syntax.h"
#include "base/result.h"

namespace ssnap::analyze {

// [FAMILY:]ADDRESS[/PREFIX][:PORT]. The error says what was expected.
base::Result<HostCondition> parse_host(std::string_view text, HostFamily unprefixed);
// [FAMILY:][:]PORT.
base::Result<HostCondition> parse_port(std::string_view text, HostFamily unprefixed);

// RFC 4291, 2.2: eight groups, `::` once, the last two as a dotted IPv4 address. nullopt: no address.
std::optional<base::IpAddress> parse_ipv6(std::string_view text);

}  // namespace ssnap::analyze
