// netstat -r, -i and -g: lib/{inet_gr,inet6_gr,interface}.c and netstat.c of net-tools 2.10.
#include <algorithm>
#include <map>
#include <string>

#include "base/text_cursor.h"
#include "render/escape.h"
#include "render/netstat_parts.h"

namespace ssnap::render::netstat_parts {
namespace {

using model::Interface;
using model::NetTables;
using model::Route;

struct FlagLetter {
  std::uint32_t flag;
  char letter;
};

// RTF_* of include/uapi/linux/{route,ipv6_route}.h, in the order in which the letters are printed.
constexpr std::uint32_t kRouteUp = 0x1, kRouteReject = 0x200, kRouteCache = 0x1000000;
constexpr FlagLetter kRouteLetters[] = {{0x1, 'U'},        {0x2, 'G'}};
constexpr FlagLetter kFurtherRouteLetters[] = {
    {0x4, 'H'},      {0x8, 'R'},       {0x10, 'D'},      {0x20, 'M'},       {0x10000, 'd'},    {0x20000, 'a'},
    {0x40000, 'c'},  {0x200000, 'o'},  {0x400000, 'e'},  {0x1000000, 'c'},  {0x2000000, 'f'},  {0x4000000, 'p'},
    {0x80000000, 'l'}, {0x40, 'u'},    {0x80, 'w'},      {0x100, 'i'},      {0x400, 'n'}};
constexpr FlagLetter kRoute6Letters[] = {{0x1, 'U'},     {0x200, '!'},    {0x2, 'G'},       {0x4, 'H'},
                                         {0x10000, 'D'}, {0x40000, 'A'},  {0x1000000, 'C'}, {0x20000, 'a'},
                                         {0x400000, 'e'}, {0x20, 'm'},    {0x200000, 'n'},  {0x2000000, 'f'}};
// IFF_* of include/uapi/linux/if.h.
constexpr std::uint32_t kInterfaceUp = 0x1;
constexpr FlagLetter kInterfaceLetters[] = {{0x200, 'A'}, {0x2, 'B'},  {0x4, 'D'},  {0x8, 'L'},   {0x1000, 'M'},
                                            {0x8000, 'd'}, {0x100, 'P'}, {0x20, 'N'}, {0x80, 'O'}, {0x10, 'P'},
                                            {0x800, 's'}, {0x400, 'm'}, {0x40, 'R'}, {0x1, 'U'}};

template <std::size_t count>
std::string letters(const FlagLetter (&table)[count], std::uint32_t flags) {
  std::string out;
  for (const auto& row : table)
    if ((flags & row.flag) != 0) out += row.letter;
  return out;
}

// It keeps these in int and prints them so.
std::string integer(std::uint32_t value) { return std::to_string(static_cast<std::int32_t>(value)); }

// A name from the host in a column: escaped, then padded.
std::string name(std::string_view bytes) { return escape_tool(bytes); }

void add_routes4(const NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer) {
  std::string& out = answer.output;
  if (!tables.routes) {
    answer.complaint = "/proc/net/route: No such file or directory";
    out += "INET (IPv4) not configured in this system.\n";
    return;
  }
  out += "Kernel IP routing table\n";
  // One -e and none are exchanged, and of more only two bits count.
  const int shown = (options.extended == 1 ? 1 : options.extended == 0 ? 2 : options.extended + 1) & 3;
  if (shown == 0) return;
  out += "Destination     Gateway         Genmask         ";
  out += shown == 2 ? "Flags   MSS Window  irtt Iface\n"
         : shown == 1 ? "Flags Metric Ref    Use Iface\n"
                      : "Flags Metric Ref    Use Iface    MSS   Window irtt\n";
  const bool numeric = options.numeric || options.numeric_hosts;
  for (const Route& route : *tables.routes) {
    if ((route.flags & kRouteUp) == 0) continue;
    const bool reject = (route.flags & kRouteReject) != 0;
    const std::string flags = (reject ? "!" : letters(kRouteLetters, route.flags)) + letters(kFurtherRouteLetters, route.flags);
    const std::string_view any = route.mask.is_any() ? "default" : "0.0.0.0";
    out += left(host(route.destination, numeric, any).substr(0, 15), 15) + ' ' +
           left(reject ? "-" : host(route.gateway, numeric, "0.0.0.0"), 15) + ' ' + left(route.mask.to_string(), 15) + ' ' +
           left(flags, 5) + ' ';
    const std::string interface = name(route.interface);
    if (shown == 2)
      out += reject ? "    - -          - -"
                    : right(integer(route.mtu_bytes), 5) + ' ' + left(integer(route.window_bytes), 5) + ' ' +
                          right(integer(route.irtt), 6) + ' ' + interface;
    else if (shown == 1)
      out += left(integer(route.metric), 6) + ' ' +
             (reject ? "-  " + right(integer(route.use), 7) + " -"
                     : left(integer(route.ref_count), 2) + ' ' + right(integer(route.use), 7) + ' ' + interface);
    else
      out += left(integer(route.metric), 6) + ' ' +
             (reject ? "-  " + right(integer(route.use), 7) + " -        -     -      -"
                     : left(integer(route.ref_count), 3) + ' ' + right(integer(route.use), 6) + ' ' +
                           left(interface.substr(0, 6), 6) + "   " + left(integer(route.mtu_bytes), 5) + ' ' +
                           left(integer(route.window_bytes), 6) + ' ' + integer(route.irtt));
    out += '\n';
  }
}

void add_routes6(const NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer) {
  std::string& out = answer.output;
  if (!tables.routes6) {
    answer.complaint = "/proc/net/ipv6_route: No such file or directory";
    out += "INET6 (IPv6) not configured in this system.\n";
    return;
  }
  out += "Kernel IPv6 routing table\nDestination                    Next Hop                   Flag Met Ref  Use If\n";
  const bool numeric = options.numeric || options.numeric_hosts;
  for (const Route& route : *tables.routes6) {
    if ((route.flags & kRouteCache) != 0) continue;
    const auto address = [&](const base::IpAddress& ip) { return host(ip.unmapped(), numeric, "[::]"); };
    out += left(address(route.destination) + '/' + std::to_string(route.prefix_length), 30) + ' ' + left(address(route.gateway), 26) +
           ' ' + left(letters(kRoute6Letters, route.flags), 4) + ' ' + left(integer(route.metric), 3) + ' ' +
           integer(route.ref_count) + ' ' + right(integer(route.use), 6) + ' ' + name(route.interface) + '\n';
  }
}

// "eth10" after "eth9", "eth0:1" after "eth0" (lib/nstrcmp.c): the part before the digits that end a name, the digits as a number, then the
// number of an alias.
struct InterfaceKey {
  std::string stem;
  long digits = 0, alias = -1;
  std::string whole;

  explicit InterfaceKey(std::string_view text) : whole(text) {
    const auto after_stem = [](std::string_view part) { return part.find_last_not_of("0123456789") + 1; };
    std::size_t end = after_stem(text);
    if (end != text.size() && end > 0 && text[end - 1] == ':') {
      alias = number(text.substr(end));
      text = text.substr(0, end - 1);
      end = after_stem(text);
    }
    stem = text.substr(0, end);
    digits = number(text.substr(end));
  }
  static long number(std::string_view text) { return base::parse_integer<std::int32_t>(text).value_or(0); }

  bool operator<(const InterfaceKey& other) const {
    // A name that another begins with comes before it.
    const std::size_t common = std::min(stem.size(), other.stem.size());
    if (const int order = stem.compare(0, common, other.stem, 0, common)) return order < 0;
    if (stem.size() != other.stem.size()) return stem.size() < other.stem.size();
    if (digits != other.digits) return digits < other.digits;
    if (alias != other.alias) return alias < other.alias;
    return whole < other.whole;
  }
};

}  // namespace

std::string left(std::string text, std::size_t bytes) {
  if (text.size() < bytes) text.append(bytes - text.size(), ' ');
  return text;
}

std::string right(std::string text, std::size_t bytes) {
  if (text.size() < bytes) text.insert(0, bytes - text.size(), ' ');
  return text;
}

std::string host(const base::IpAddress& address, bool numeric, std::string_view any) {
  return !numeric && address.is_any() ? std::string(any) : address.to_string();
}

void add_routes(const NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer) {
  if (options.inet || (!options.inet6 && !options.unix_sockets)) add_routes4(tables, options, answer);
  if (options.inet6 && answer.complaint.empty()) add_routes6(tables, options, answer);
  if (options.unix_sockets && answer.complaint.empty()) answer.complaint = "No routing for address family `unix'.";
}

void add_interfaces(const NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer) {
  std::string& out = answer.output;
  out += "Kernel Interface table\n"
         "Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n";
  std::vector<InterfaceKey> names;
  std::map<std::string_view, const Interface*> links;
  std::map<std::string_view, const model::InterfaceCounters*> all_counters;
  for (const auto& row : tables.interfaces) links.emplace(row.name, &row);
  if (tables.counters)
    for (const auto& row : *tables.counters) {
      names.emplace_back(row.name);
      all_counters[row.name] = &row;
    }
  for (const auto& label : tables.labels) names.emplace_back(label);
  std::sort(names.begin(), names.end());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& shown = names[i].whole;
    if (i > 0 && names[i - 1].whole == shown) continue;
    // An alias has the flags and the MTU of its interface, and no counters.
    const auto found = links.find(std::string_view(shown).substr(0, shown.find(':')));
    const Interface* link = found == links.end() ? nullptr : found->second;
    if (link == nullptr || ((link->flags & kInterfaceUp) == 0 && !options.all)) continue;
    out += left(name(shown).substr(0, 15), 15) + ' ' + right(std::to_string(link->mtu_bytes.value_or(0)), 5) + ' ';
    const auto counted = all_counters.find(shown);
    const model::InterfaceCounters* counters = counted == all_counters.end() ? nullptr : counted->second;
    const auto columns = [&](std::uint64_t packets, std::uint64_t errors, std::uint64_t dropped) {
      return right(std::to_string(packets), 8) + ' ' + right(std::to_string(errors), 6) + ' ' + right(std::to_string(dropped), 6) + ' ';
    };
    out += counters == nullptr
               ? left("     - no statistics available -", 56)
               : columns(counters->rx_packets, counters->rx_errors, counters->rx_dropped) +
                     left(std::to_string(counters->rx_fifo), 6) + ' ' +
                     columns(counters->tx_packets, counters->tx_errors, counters->tx_dropped) +
                     right(std::to_string(counters->tx_fifo), 6) + ' ';
    const std::uint32_t flags = link->flags & 0xffff;  // what its ioctl gives
    out += flags == 0 ? "[NO FLAGS]" : letters(kInterfaceLetters, flags);
    out += '\n';
  }
}

bool add_groups(const NetTables& tables, bool inet, bool inet6, bool asked, NetstatAnswer& answer) {
  std::string& out = answer.output;
  out += "IPv6/IPv4 Group Memberships\n"
         "Interface       RefCnt Group\n"
         "--------------- ------ ---------------------\n";
  const auto add = [&](const std::optional<std::vector<model::GroupMembership>>& rows) {
    if (!rows) return;
    for (const auto& row : *rows)
      out += left(name(row.interface), 15) + ' ' + left(integer(row.users), 6) + ' ' + row.group.unmapped().to_string() + '\n';
  };
  const bool missing = inet && !tables.groups;
  if (inet) add(tables.groups);
  if (inet6) add(tables.groups6);
  if (!missing || !asked) return true;
  answer.complaint = "netstat: no support for `AF INET (igmp)' on this system.";
  return false;
}

}  // namespace ssnap::render::netstat_parts
