// FILTER: which sockets an answer is about, in ss's filter language and more (docs/filter.md).
#pragma once

#include <cstdint>
#include <vector>

#include "analyze/filter_glob.h"
#include "analyze/filter_syntax.h"
#include "model/snapshot.h"

namespace ssnap::analyze {

// One condition whose names have become the snapshot's numbers.
struct FilterTest {
  Subject subject{};
  Comparison comparison = Comparison::equal;  // `not_equal` doesn't occur: it is `equal` with its targets exchanged
  HostCondition host;
  std::uint64_t number = 0, mask = 0;
  std::uint32_t states = 0;
  std::uint32_t set = 0;  // into the list that the subject has its set in; kNoSet: it has none, `number` counts
  // Where to go on: a test of a lower index, or kAccept or kReject.
  std::uint32_t if_true = 0, if_false = 0;

  static constexpr std::uint32_t kNoSet = UINT32_MAX;
};

// Immutable; belongs to the snapshot that it was resolved for.
class Filter {
 public:
  // No filter: every socket matches.
  Filter() = default;

  // In one pass over its conditions at most, each of them looked at once.
  bool matches(const model::Snapshot& snapshot, const model::Socket& socket) const;
  bool empty() const { return tests_.empty(); }
  std::size_t size() const { return tests_.size(); }

 private:
  friend class FilterResolver;

  static constexpr std::uint32_t kAccept = UINT32_MAX, kReject = UINT32_MAX - 1;

  bool holds(const FilterTest& test, const model::Snapshot& snapshot, const model::Socket& socket) const;
  bool end_matches(const FilterTest& test, const model::Socket& socket, bool local) const;
  bool port_matches(const FilterTest& test, const model::Socket& socket, bool local) const;
  bool in_set(const FilterTest& test, std::uint64_t id) const;

  std::uint32_t start_ = kAccept;
  std::vector<FilterTest> tests_;
  std::vector<std::vector<std::uint64_t>> ids_;  // ascending
  std::vector<std::vector<bool>> indexes_;       // of processes or namespaces, by index
  std::vector<Glob> globs_;
};

// Looks up what the filter names: services, users, interfaces, cgroups and namespaces of this snapshot. A name that it
// doesn't have is an error, as to ss: its absence would be mistaken for that of sockets.
base::Result<Filter> resolve_filter(const FilterSyntax& syntax, const model::Snapshot& snapshot);

// What ss compares with `sport` and `dport`: the port; for UNIX sockets the inode, for raw ones the IP protocol, for
// packet sockets the interface, for netlink the port id, for XDP the queue; 0 where there is none.
std::int64_t port_of(const model::Socket& socket, bool local);

}  // namespace ssnap::analyze
