// --as netstat: what net-tools 2.10's netstat prints for the same evidence (stdout no terminal).
#pragma once

#include <string>
#include <vector>

#include "render/view.h"

namespace ssnap::render {

struct NetstatOptions {
  bool tcp = false, udp = false, udplite = false, sctp = false, raw = false,
       unix_sockets = false;            // -t -u -U -S -w -x; none: all
  bool inet = false, inet6 = false;     // -4 -6; none: both
  bool all = false, listening = false;  // -a -l
  // -n and its parts. Without them services and users have their names from the archive, and routes to everywhere one of
  // their own; hosts and networks stay numbers: there is nothing to ask.
  bool numeric = false, numeric_hosts = false, numeric_ports = false, numeric_users = false;
  bool programs = false;  // -p
  int extended = 0;       // -e: user and inode; how often it was given
  bool timers = false;    // -o
  bool wide = false;      // -W: addresses are not cut
  bool groups = false;    // -g: multicast groups
  // -i -r -s: one of them at most, in the place of sockets and groups.
  bool interfaces = false, routes = false, statistics = false;
  bool explain = false;   // under a row: where netstat's answer falls short of the evidence
  // FILTER: of each socket, by its index, whether it is asked for; null: every one is.
  const std::vector<bool>* selected = nullptr;
};

struct NetstatAnswer {
  std::string output;
  std::string complaint;  // what it writes to standard error before it gives up, a line; "" where it doesn't
  std::uint64_t rows = 0;  // of sockets
};

// Sockets from Snapshot::proc_net_rows, the rest from Snapshot::net_tables, in the order of the files.
NetstatAnswer render_netstat(const model::Snapshot& snapshot, std::uint32_t netns, const NetstatOptions& options);

}  // namespace ssnap::render
