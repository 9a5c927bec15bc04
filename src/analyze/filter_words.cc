#include "analyze/filter_words.h"

#include <algorithm>
#include <array>

#include "base/text_cursor.h"
#include "model/names.h"
#include "model/socket.h"

namespace ssnap::analyze {
namespace {

constexpr PredicateRow kPredicates[] = {
    {"state", Subject::state, ValueKind::state, false, "a state"},
    {"exclude", Subject::state, ValueKind::state, false, "a state"},
    {"excl", Subject::state, ValueKind::state, false, "a state"},
    {"src", Subject::source, ValueKind::host, false, "[FAMILY:]ADDRESS[/PREFIX][:PORT]"},
    {"dst", Subject::destination, ValueKind::host, false, "[FAMILY:]ADDRESS[/PREFIX][:PORT]"},
    {"sport", Subject::source_port, ValueKind::port, true, "[FAMILY:]:PORT"},
    {"dport", Subject::destination_port, ValueKind::port, true, "[FAMILY:]:PORT"},
    {"dev", Subject::device, ValueKind::device, false, "an interface's name or index"},
    {"fwmark", Subject::mark, ValueKind::mark, false, "MARK or MARK/MASK"},
    {"cgroup", Subject::cgroup, ValueKind::cgroup, false, "a cgroup's path or id"},
    {"autobound", Subject::autobound, ValueKind::none, false, ""},
    {"pid", Subject::pid, ValueKind::number, true, "a number"},
    {"comm", Subject::comm, ValueKind::name, false, "a process's name or a pattern"},
    {"exe", Subject::exe, ValueKind::name, false, "an executable's path or a pattern"},
    {"user", Subject::user, ValueKind::uid, false, "a user's name or uid"},
    {"uid", Subject::uid, ValueKind::number, true, "a number"},
    {"inode", Subject::inode, ValueKind::number, true, "a number"},
    {"netns", Subject::netns, ValueKind::name, false, "a network namespace's name or inode"},
    {"container", Subject::container, ValueKind::name, false, "the beginning of a container's id, or a pattern"},
    {"unit", Subject::unit, ValueKind::name, false, "a systemd unit's name or a pattern"},
    {"owners", Subject::owners, ValueKind::number, true, "a number"},
    {"reason", Subject::reason, ValueKind::reason, false, ""},
    {"via", Subject::via, ValueKind::via, false, ""},
    {"pass", Subject::pass, ValueKind::number, true, "a number"},
    {"proto", Subject::protocol, ValueKind::protocol, false, "a protocol: tcp, udp, raw, stream, dgram, route, ..."},
};

struct ComparisonRow {
  std::string_view word;
  Comparison comparison;
};

constexpr ComparisonRow kComparisons[] = {
    {"=", Comparison::equal},          {"==", Comparison::equal},          {"eq", Comparison::equal},
    {"!=", Comparison::not_equal},     {"ne", Comparison::not_equal},      {"neq", Comparison::not_equal},
    {"<", Comparison::less},           {"lt", Comparison::less},           {"<=", Comparison::less_equal},
    {"le", Comparison::less_equal},    {"leq", Comparison::less_equal},    {">", Comparison::greater},
    {"gt", Comparison::greater},       {">=", Comparison::greater_equal},  {"ge", Comparison::greater_equal},
    {"geq", Comparison::greater_equal},
};

constexpr std::uint32_t bit(std::uint8_t state) { return 1u << state; }
constexpr std::uint32_t kAllStates = ~0u;
constexpr std::uint32_t kSynRecv = bit(model::kStateSynRecv) | bit(model::kStateNewSynRecv);
// Bound and nothing more is as little a connection as closed is; ss of 6.8 and later counts it in.
constexpr std::uint32_t kConnected =
    kAllStates & ~(bit(model::kStateUnconn) | bit(model::kStateListen) | bit(model::kStateBoundInactive));
constexpr std::uint32_t kBucket = kSynRecv | bit(model::kStateTimeWait);

struct StateRow {
  std::string_view name;
  std::uint32_t states;
};

// ss's names and groups (man ss), then the names that the State column has.
constexpr StateRow kStates[] = {
    {"all", kAllStates},
    {"connected", kConnected},
    {"synchronized", kConnected & ~bit(model::kStateSynSent)},
    {"bucket", kBucket},
    {"big", kAllStates & ~kBucket},
    {"established", bit(model::kStateEstab)},
    {"syn-sent", bit(model::kStateSynSent)},
    {"syn-recv", kSynRecv},
    {"syn-rcv", kSynRecv},
    {"fin-wait-1", bit(model::kStateFinWait1)},
    {"fin-wait-2", bit(model::kStateFinWait2)},
    {"time-wait", bit(model::kStateTimeWait)},
    {"closed", bit(model::kStateUnconn)},
    {"close", bit(model::kStateUnconn)},
    {"unconnected", bit(model::kStateUnconn)},
    {"close-wait", bit(model::kStateCloseWait)},
    {"last-ack", bit(model::kStateLastAck)},
    {"listening", bit(model::kStateListen)},
    {"closing", bit(model::kStateClosing)},
    {"bound-inactive", bit(model::kStateBoundInactive)},
    {"partopen", bit(model::kStatePartopen)},
    {"passive-closereq", bit(model::kStatePassiveCloseReq)},
    {"unknown", bit(0)},
    {"estab", bit(model::kStateEstab)},
    {"unconn", bit(model::kStateUnconn)},
    {"listen", bit(model::kStateListen)},
};

struct FamilyRow {
  std::string_view name;
  HostFamily family;
};

constexpr FamilyRow kFamilies[] = {
    {"inet", HostFamily::inet}, {"inet6", HostFamily::inet6},     {"unix", HostFamily::unix_name},
    {"link", HostFamily::link}, {"netlink", HostFamily::netlink}, {"vsock", HostFamily::vsock},
};

struct NumberRow {
  std::string_view name;
  std::uint32_t number;
};

// ETH_P_* (include/uapi/linux/if_ether.h).
constexpr NumberRow kEthertypes[] = {
    {"802.1ad", 0x88a8},  {"802.1q", 0x8100},    {"802_2", 4},          {"802_3", 1},         {"aarp", 0x80f3},
    {"all", 3},           {"aoe", 0x88a2},       {"arp", 0x0806},       {"atalk", 0x809b},    {"atmfate", 0x8884},
    {"atmmpoa", 0x884c},  {"ax25", 2},           {"bpq", 0x08ff},       {"can", 0x000c},      {"control", 0x0016},
    {"cust", 0x6006},     {"ddcmp", 6},          {"dec", 0x6000},       {"diag", 0x6005},     {"dna_dl", 0x6001},
    {"dna_rc", 0x6002},   {"dna_rt", 0x6003},    {"econet", 0x0018},    {"ethercat", 0x88a4}, {"ieeepup", 0x0a00},
    {"ieeepupat", 0x0a01}, {"ip", 0x0800},       {"ipv4", 0x0800},      {"ipv6", 0x86dd},     {"ipx", 0x8137},
    {"irda", 0x0017},     {"lat", 0x6004},       {"lldp", 0x88cc},      {"localtalk", 9},     {"loop", 0x0060},
    {"mobitex", 0x0015},  {"mpls_mc", 0x8848},   {"mpls_uc", 0x8847},   {"ppp_disc", 0x8863}, {"ppp_mp", 8},
    {"ppp_ses", 0x8864},  {"ppptalk", 0x0010},   {"profinet", 0x8892},  {"pup", 0x0200},      {"pupat", 0x0201},
    {"rarp", 0x8035},     {"sca", 0x6007},       {"snap", 5},           {"teb", 0x6558},      {"tipc", 0x88ca},
    {"tr_802_2", 0x0011}, {"wan_ppp", 7},        {"x25", 0x0805},
};

// NETLINK_* (include/uapi/linux/netlink.h) by the names that only ss has; model/names has the others.
constexpr NumberRow kNetlinkProtocols[] = {
    {"rtnl", 0},      {"unused", 1}, {"fw", 3},      {"tcpdiag", 4}, {"fiblookup", 10},
    {"nft", 12},      {"ip6fw", 13}, {"dec-rt", 14}, {"genl", 16},   {"scsi-trans", 18},
};

constexpr std::uint16_t kNetlinkProtocolCount = 256;
constexpr std::uint16_t kIpProtocolCount = 512;  // IPPROTO_MPTCP is 262
constexpr std::uint16_t kSocketTypeCount = 16;   // SOCK_TYPE_MASK

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

template <class Enum>
std::string_view enum_name(unsigned index, std::string_view (*name)(Enum)) {
  return name(static_cast<Enum>(index));
}

// Every name that `name` has for 0, 1, ...: "fd, thread-fd, io_uring".
template <class Enum>
std::string enum_list(std::string_view (*name)(Enum)) {
  std::string list;
  for (unsigned i = 0; !enum_name(i, name).empty(); ++i) list.append(i == 0 ? "" : ", ").append(enum_name(i, name));
  return list;
}

template <class Enum>
bool is_enum_name(std::string_view wanted, std::string_view (*name)(Enum)) {
  if (wanted.empty()) return false;
  for (unsigned i = 0; !enum_name(i, name).empty(); ++i)
    if (enum_name(i, name) == wanted) return true;
  return false;
}

}  // namespace

std::span<const PredicateRow> predicate_rows() { return kPredicates; }

const PredicateRow* find_predicate(std::string_view word) {
  for (const auto& row : kPredicates)
    if (row.word == word) return &row;
  return nullptr;
}

std::string predicate_list() {
  std::string list;
  for (const auto& row : kPredicates) list.append(list.empty() ? "" : ", ").append(row.word);
  return list;
}

std::optional<Comparison> find_comparison(std::string_view word) {
  for (const auto& row : kComparisons)
    if (row.word == word) return row.comparison;
  return std::nullopt;
}

std::optional<std::uint32_t> find_states(std::string_view name) {
  for (const auto& row : kStates)
    if (same_letters(row.name, name)) return row.states;
  return std::nullopt;
}

std::optional<HostFamily> find_family(std::string_view name) {
  for (const auto& row : kFamilies)
    if (row.name == name) return row.family;
  return std::nullopt;
}

std::optional<std::uint32_t> find_ethertype(std::string_view name) {
  for (const auto& row : kEthertypes)
    if (same_letters(row.name, name)) return row.number;
  const auto number = parse_c_integer(name);
  if (!number || *number > 0xffff) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<std::uint32_t> find_netlink_protocol(std::string_view name) {
  for (const auto& row : kNetlinkProtocols)
    if (row.name == name) return row.number;
  for (unsigned i = 0; i < kNetlinkProtocolCount && !name.empty(); ++i)
    if (model::protocol_name(model::kFamilyNetlink, static_cast<std::uint16_t>(i)) == name) return i;
  const auto number = parse_c_integer(name);
  if (!number || *number >= kNetlinkProtocolCount) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool is_reason(std::string_view name) { return is_enum_name(name, model::ownerless_name); }
bool is_via(std::string_view name) { return is_enum_name(name, model::via_name); }
std::string reason_list() { return enum_list(model::ownerless_name); }
std::string via_list() { return enum_list(model::via_name); }

std::uint64_t protocol_key(std::uint16_t family, std::uint16_t protocol) {
  const bool ip = family == model::kFamilyInet || family == model::kFamilyInet6;
  const std::uint16_t table = ip ? model::kFamilyInet : family == model::kFamilyNetlink ? family : model::kFamilyUnix;
  return std::uint64_t{table} << 16 | protocol;
}

std::vector<std::uint64_t> protocol_keys(std::string_view name) {
  struct Table {
    std::uint16_t family;
    std::uint16_t count;
  };
  static constexpr Table kTables[] = {{model::kFamilyUnix, kSocketTypeCount},
                                      {model::kFamilyInet, kIpProtocolCount},
                                      {model::kFamilyNetlink, kNetlinkProtocolCount}};
  std::vector<std::uint64_t> keys;
  if (name.empty()) return keys;
  for (const auto& table : kTables)
    for (std::uint16_t i = 0; i < table.count; ++i)
      if (model::protocol_name(table.family, i) == name) keys.push_back(protocol_key(table.family, i));
  return keys;
}

std::optional<std::uint64_t> parse_c_integer(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return base::parse_integer<std::uint64_t>(text.substr(2), 16);
  if (text.size() > 1 && text.front() == '0') return base::parse_integer<std::uint64_t>(text, 8);
  return base::parse_integer<std::uint64_t>(text);
}

}  // namespace ssnap::analyze
