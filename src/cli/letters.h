// The letters of `analyze`: those of ss, with its meaning, or after --as TOOL those of that tool.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <boost/program_options.hpp>

#include "analyze/filter.h"
#include "analyze/select.h"
#include "render/lsof.h"
#include "render/netstat.h"
#include "render/ss.h"
#include "render/view.h"

namespace ssnap::cli {

enum class Tool { ssnap, ss, netstat, lsof };

struct LetterRow;

// Every letter of every tool that `analyze` can speak for.
struct Letters {
  bool tcp = false, udp = false, udplite = false, raw = false, dccp = false, sctp = false, mptcp = false;
  bool unix_sockets = false, packet = false, vsock = false, xdp = false, tipc = false;
  bool ipv4 = false, ipv6 = false;
  bool all = false, listening = false, bound_inactive = false;
  bool numeric = false, processes = false, threads = false, extended = false, timers = false, memory = false;
  bool info = false, filters = false, tos = false, cgroups = false, sockopts = false, tipc_info = false;
  bool wide = false, interfaces = false, routes = false, groups = false, statistics = false;
  bool numeric_hosts = false, numeric_ports = false, numeric_users = false, ignored = false;
  bool no_header = false, no_queues = false, one_line = false, summary = false;
  // What was given, in its order, with its value: to ss the order matters.
  std::vector<std::pair<const LetterRow*, std::string>> given;
};

// Before the options can be read: --as says what they mean. Throws Failure(usage) for a tool that there isn't.
Tool find_tool(const std::vector<std::string>& arguments);

// The switches that `tool` has, for program_options; parsing fills `letters`.
boost::program_options::options_description letter_options(Letters& letters, Tool tool);

// Those of ssnap that choose sockets, and none that chooses columns.
boost::program_options::options_description selecting_options(Letters& letters);

// Switches that the tool has and a snapshot can't answer: parsing one throws Failure(usage) that says why.
boost::program_options::options_description refused_options(Tool tool);

// What the letters ask of each view.
analyze::Selection selection_of(const Letters& letters);
void add_to_style(const Letters& letters, render::Style& style);
// `states`: those of FILTER, in the place of the switches'; 0: it names none.
render::SsOptions ss_options(const Letters& letters, std::uint32_t states);
render::NetstatOptions netstat_options(const Letters& letters);
render::LsofOptions lsof_options(const Letters& letters);
// What FILTER takes an address without a family for.
analyze::HostFamily host_family(const Letters& letters);

}  // namespace ssnap::cli
