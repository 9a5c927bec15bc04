// What a FILTER says, before its names are looked up in a snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/net_addr.h"
#include "base/result.h"

namespace ssnap::analyze {

// What a host condition speaks of. `any`: no family was named; an address then decides by its form.
enum class HostFamily : std::uint8_t { any, inet, inet6, unix_name, link, netlink, vsock };

enum class Subject : std::uint8_t {
  state,
  source,
  destination,
  source_port,
  destination_port,
  device,
  mark,
  cgroup,
  autobound,
  pid,
  comm,
  exe,
  user,
  uid,
  inode,
  netns,
  container,
  unit,
  owners,
  reason,
  via,
  pass,
  protocol,
};

enum class Comparison : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

// HOST or PORT: [FAMILY:]ADDRESS[/PREFIX][:PORT].
struct HostCondition {
  HostFamily family = HostFamily::any;
  std::optional<base::IpAddress> address;
  unsigned prefix_bits = 0;
  std::optional<std::uint32_t> number;  // link: ethertype; netlink: protocol; vsock: CID
  std::optional<std::string> pattern;   // UNIX
  std::optional<std::int64_t> port;
  std::string port_name;                // a service, link: an interface; "": none
};

// One condition, as it was written.
struct Predicate {
  Subject subject{};
  Comparison comparison = Comparison::equal;
  std::size_t word = 0;      // of its value, from 1
  std::string text;          // the value
  std::uint32_t states = 0;  // bit 1 << number; bit 0: every number without a name
  HostCondition host;
  std::optional<std::uint64_t> number;
  std::uint64_t mask = 0;    // mark
};

// Part of a group. As ss evaluates them (misc/ssfilter.y, 6.1): from left to right, `and` and `or` alike; `not` binds
// to what follows it.
struct Term {
  bool by_or = false;    // how it is joined to all before it in its group; of no meaning in the first
  bool negated = false;
  bool is_group = false;
  std::uint32_t index = 0;  // into predicates or groups
};

struct FilterSyntax {
  std::vector<std::string> words;  // as written, separated by blanks: for messages
  std::vector<Predicate> predicates;
  std::vector<std::vector<Term>> groups;  // the first one is the whole; none: no filter. A group's index is above its parent's

  // The states before an expression that they all apply to, which ss hides the column for; 0: there are none.
  std::uint32_t leading_states = 0;

  bool speaks_of(Subject subject) const;
};

// Far more than anyone writes by hand; a list of addresses from elsewhere may be long.
constexpr std::size_t kMaxFilterPredicates = 10'000;
constexpr std::size_t kMaxFilterWordBytes = 4096;  // PATH_MAX: no name is longer
constexpr std::size_t kMaxFilterDepth = 100;       // of parentheses within each other

// Words of the command line; each may hold several, separated by blanks or tabs. A backslash takes the meaning from the
// character after it. `unprefixed`: the family of hosts that name none, where the switches ask for one only (ss -x).
// The error names the word, where it stands, and what was expected.
base::Result<FilterSyntax> parse_filter(std::span<const std::string> arguments, HostFamily unprefixed = HostFamily::any);

// "filter: 'WORD' at word N, after '...': expected ...".
base::Error filter_error(const std::vector<std::string>& words, std::size_t word, std::string_view token,
                         std::string_view expected);

}  // namespace ssnap::analyze
