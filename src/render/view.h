// What a renderer is given: rows that were selected, and how to show them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::render {

struct Rows {
  const model::Snapshot& snapshot;
  std::vector<const model::Socket*> sockets;  // selected, in order
  // For the line under a table: what the selection left out.
  std::uint64_t total = 0;                     // sockets in the namespaces shown, before table and state switches
  std::uint64_t in_other_namespaces = 0;       // sockets that the switches select in namespaces that are not shown
  std::uint64_t other_namespaces = 0;
};

// What stands in further lines below a socket of the table.
struct Details {
  bool timers = false;    // -o
  bool memory = false;    // -m
  bool info = false;      // -i; needs reconstruct::Options::keep_info
  bool filters = false;   // -b
  bool tos = false;       // --tos
  bool cgroups = false;   // --cgroup
  bool sockopts = false;  // --inet-sockopt
};

struct Style {
  bool header = true;              // -H leaves it out
  bool owners = true;              // the default view always shows them
  bool extended = false;           // -e: uid, inode, cookie
  bool queues = true;              // -Q leaves them out
  bool one_line = false;           // -O: owners and details beside each other
  Details details;
  bool netns_column = false;       // more than one namespace is shown
  std::optional<int> width;        // of the terminal; absent: no terminal, nothing is wrapped
  bool colour = false;
};

}  // namespace ssnap::render
