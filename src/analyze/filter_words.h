// The words of the filter language: one table each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analyze/filter_syntax.h"

namespace ssnap::analyze {

// What stands after a predicate's word.
enum class ValueKind : std::uint8_t { none, state, host, port, device, mark, cgroup, number, uid, name, reason, via, protocol };

struct PredicateRow {
  std::string_view word;
  Subject subject;
  ValueKind value;
  bool ordered;                // takes < <= > >= too
  std::string_view expected;  // what its value is, for messages
};
std::span<const PredicateRow> predicate_rows();
const PredicateRow* find_predicate(std::string_view word);

// "state, exclude, src, ...": for messages.
std::string predicate_list();

// Signs (`>=`) and words (`ge`) alike.
std::optional<Comparison> find_comparison(std::string_view word);

// The states of a name or group, in any letter case: bit 1 << number; nullopt: there is no such name.
std::optional<std::uint32_t> find_states(std::string_view name);

// Without their colon; nullopt: no family.
std::optional<HostFamily> find_family(std::string_view name);

// Ethernet protocols, in any letter case, as ss names them (iproute2, lib/ll_proto.c).
std::optional<std::uint32_t> find_ethertype(std::string_view name);
// Netlink protocols, by ss's short names (lib/rt_names.c) and by ours.
std::optional<std::uint32_t> find_netlink_protocol(std::string_view name);

bool is_reason(std::string_view name);
bool is_via(std::string_view name);
std::string reason_list();
std::string via_list();

// The protocols of a name, which may be several (raw: of IP and of packet sockets); none: there is no such name.
std::vector<std::uint64_t> protocol_keys(std::string_view name);
// A protocol and the table that model::protocol_name() has its name in.
std::uint64_t protocol_key(std::uint16_t family, std::uint16_t protocol);

// An integer as C writes it: decimal, 0x..., 0... (octal). The whole of `text`.
std::optional<std::uint64_t> parse_c_integer(std::string_view text);

}  // namespace ssnap::analyze
