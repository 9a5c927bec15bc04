// --as ss: what iproute2 6.1's ss prints for the same evidence (stdout no terminal).
#pragma once

#include <string>
#include <vector>

#include "model/snapshot.h"
#include "render/ss_select.h"

namespace ssnap::render {

struct SsOptions {
  SsSelection selection;
  bool header = true;       // -H leaves it out
  bool numeric = false;     // -n. Names come from the archive's /etc/services and /etc/protocols, never from a resolver
  bool processes = false;   // -p
  bool threads = false;     // -T
  bool timers = false;      // -o, -e, -b
  bool extended = false;    // -e
  bool memory = false;      // -m
  bool info = false;        // -i
  bool filters = false;     // -b
  bool tos = false;         // --tos
  bool cgroups = false;     // --cgroup
  bool sockopts = false;    // --inet-sockopt
  bool tipc_info = false;   // --tipcinfo
  bool one_line = false;    // -O
  bool summary = false;     // -s
  bool explain = false;     // under a row: where ss's answer falls short of the evidence
  // FILTER: of each socket, by its index, whether it is asked for; null: every one is.
  const std::vector<bool>* selected = nullptr;
};

// Reads Snapshot::first_dump alone. Two things are not as ss prints them:
// control characters, bidirectional marks and bytes that are no UTF-8 are escaped; TCP-MD5 keys, which ss prints before
// everything else, are left out.
// Adds the number of rows to `rows`, where it is given.
std::string render_ss(const model::Snapshot& snapshot, std::uint32_t netns, const SsOptions& options,
                      std::uint64_t* rows = nullptr);

}  // namespace ssnap::render
