// --as netstat: what net-tools 2.10's netstat prints for the same evidence (stdout no terminal).
#pragma once

#include <string>
#include <vector>

#include "render/view.h"

namespace ssnap::render {

struct NetstatOptions {
  bool tcp = false, udp = false, udplite = false, raw = false,
       unix_sockets = false;            // -t -u -U -w -x; none: all
  bool inet = true, inet6 = true;       // -4 -6
  bool all = false, listening = false;  // -a -l
  // -n. Without it users have their names from the archive; hosts and ports stay numbers, as with netstat's
  // --numeric-hosts --numeric-ports.
  bool numeric = false;
  bool programs = false;  // -p
  bool extended = false;  // -e: user and inode
  bool timers = false;    // -o
  bool explain = false;   // under a row: where netstat's answer falls short of the evidence
  // FILTER: of each socket, by its index, whether it is asked for; null: every one is.
  const std::vector<bool>* selected = nullptr;
};

// Reads Snapshot::proc_net_rows, in the order of the files. Adds the number of rows to `rows`, where it is given.
std::string render_netstat(const model::Snapshot& snapshot, std::uint32_t netns,
                           const NetstatOptions& options, std::uint64_t* rows = nullptr);

}  // namespace ssnap::render
