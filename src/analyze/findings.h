// What stands out in a snapshot: rules, one file and one row of the table each (docs/findings.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/finding.h"
#include "model/snapshot.h"

namespace ssnap::analyze {

class Scene;

// What a rule can't do without. Where the snapshot lacks some of it, nothing found does not mean nothing there.
enum Need : std::uint32_t {
  kNeedOwners = 1u << 0,       // every process's descriptors
  kNeedExecutables = 1u << 1,  // what the holders of sockets run
  kNeedPacketTable = 1u << 2,
  kNeedPacketFilters = 1u << 3,
  kNeedRawTable = 1u << 4,
  kNeedMemory = 1u << 5,         // skmeminfo
  kNeedBacklogs = 1u << 6,       // the limit of each accept queue
  kNeedTcpDump = 1u << 7,        // TCP by netlink: timers and tcp_info
  kNeedPortRanges = 1u << 8,     // ip_local_port_range
  kNeedMemberships = 1u << 9,    // the network namespace of each process
};

struct Rule {
  std::string_view id;
  model::Severity severity{};  // of its findings
  std::string_view title;
  std::uint32_t needs = 0;     // Need
  void (*find)(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) = nullptr;
};

// Every rule, the most urgent first.
std::span<const Rule> rules();

// Which rules `list` asks for: ids separated by commas are the only ones; with `no-` before the first, all but these. Empty: all.
base::Result<std::vector<bool>> choose_rules(std::string_view list);

// What the chosen rules come to. A finding counts if `selected` has one of its sockets (by index); findings without a socket count
// where everything is selected.
model::Findings find_all(const model::Snapshot& snapshot, const std::vector<bool>& chosen, const std::vector<bool>& selected);

}  // namespace ssnap::analyze
