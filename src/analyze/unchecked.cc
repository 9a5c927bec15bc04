#include "analyze/unchecked.h"

#include <algorithm>
#include <set>

#include "analyze/rules/scene.h"

namespace ssnap::analyze {
namespace {

using model::Snapshot;
using model::Socket;

// Namespaces of which a table was neither dumped nor listed, or at least not dumped.
std::uint64_t namespaces_without(const Snapshot& snapshot, std::string_view table, bool dump) {
  std::uint64_t without = 0;
  for (std::uint32_t n = 0; n < snapshot.namespaces.size(); ++n) {
    if (snapshot.namespaces[n].unknown) continue;
    without += std::none_of(snapshot.account.begin(), snapshot.account.end(), [&](const model::AccountLine& line) {
      return line.netns == n && line.table == table && (line.dumped || (!dump && line.listed));
    });
  }
  return without;
}

template <class Test>
std::uint64_t sockets_with(const Snapshot& snapshot, const Test& test) {
  return static_cast<std::uint64_t>(std::count_if(snapshot.sockets.begin(), snapshot.sockets.end(), test));
}

// What is only a remainder, or a request, has no memory of its own.
bool has_memory(const Socket& socket) {
  return is_ip(socket) && socket.state != model::kStateTimeWait && socket.state != model::kStateSynRecv && socket.state != model::kStateNewSynRecv;
}

bool is_filter_unseen(const Socket& socket) {
  if (socket.family != model::kFamilyPacket) return false;
  const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
  if (packet != nullptr && packet->filter) return packet->filter->empty();
  return std::none_of(socket.sightings.begin(), socket.sightings.end(), [](const auto& one) { return one.view == model::View::packet_diag; });
}

// "3 processes could not be read: systemd[1], ..."
std::string processes_text(const Snapshot& snapshot, const std::vector<std::uint32_t>& processes, std::string_view what) {
  if (processes.empty()) return "";
  std::string out = std::string(what) + ' ' + count(processes.size(), "process", "processes") + " could not be read: ";
  for (std::size_t i = 0; i < std::min(processes.size(), kMaxNamed); ++i) {
    const auto& one = snapshot.processes[processes[i]];
    out += (i == 0 ? "" : ", ") + (one.comm.empty() ? "?" : one.comm) + '[' + std::to_string(one.pid) + ']';
  }
  return processes.size() > kMaxNamed ? out + ", ..." : out;
}

template <class Test>
std::vector<std::uint32_t> processes_with(const Snapshot& snapshot, const Test& test) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i)
    if (!snapshot.processes[i].kernel_thread && test(i, snapshot.processes[i])) out.push_back(i);
  return out;
}

std::vector<std::string> missing_owners(const Snapshot& snapshot) {
  std::set<std::int64_t> ended;  // before their descriptors were read
  std::vector<std::string> out;
  std::uint64_t left_out = 0;
  bool mounted_procfs = false;
  for (const auto& gap : snapshot.gaps) {
    if (gap.source == "proc_pid_fd" && gap.kind == base::OutcomeKind::vanished && gap.pid && !gap.tid) ended.insert(*gap.pid);
    if (gap.source == "proc_list" && gap.kind == base::OutcomeKind::skipped) left_out += gap.count;
    mounted_procfs = mounted_procfs || gap.source == "procfs";
  }
  const auto unread = processes_with(snapshot, [&](std::uint32_t, const model::Process& one) { return !one.fds_readable && ended.count(one.pid) == 0; });
  out.push_back(processes_text(snapshot, unread, "the descriptors of"));
  if (left_out != 0) out.push_back(count(left_out, "process was", "processes were") + " left out by --pid");
  if (snapshot.capture.inner_pid_namespace) out.push_back("processes outside of the collector's pid namespace were not in its /proc");
  if (mounted_procfs) out.push_back("processes under a mount over their /proc/PID were not seen: /proc was read as it is mounted");
  return out;
}

std::string in_namespaces(std::uint64_t number, std::string_view what) {
  return number == 0 ? "" : std::string(what) + " in " + count(number, "namespace");
}

std::string of_sockets(std::uint64_t number, std::string_view singular, std::string_view plural, std::string_view what) {
  return number == 0 ? "" : count(number, singular, plural) + ' ' + std::string(what);
}

std::vector<std::string> missing(const Snapshot& snapshot, Need need) {
  switch (need) {
    case kNeedOwners: return missing_owners(snapshot);
    case kNeedExecutables: {
      std::vector<bool> holds(snapshot.processes.size(), false);
      for (const auto& socket : snapshot.sockets)
        for (const auto& owner : socket.owners)
          if (is_holder(snapshot, owner)) holds[owner.process] = true;
      return {processes_text(snapshot, processes_with(snapshot, [&](std::uint32_t i, const model::Process& one) { return holds[i] && !one.exe; }),
                             "the executable of")};
    }
    case kNeedPacketTable: return {in_namespaces(namespaces_without(snapshot, "packet", false), "there is no table of packet sockets")};
    case kNeedPacketFilters:
      return {of_sockets(sockets_with(snapshot, is_filter_unseen), "packet socket has", "packet sockets have", "a filter that was not to be seen, if any")};
    case kNeedRawTable: return {in_namespaces(namespaces_without(snapshot, "raw", false), "there is no table of raw sockets")};
    case kNeedMemory:
      return {of_sockets(sockets_with(snapshot, [](const Socket& one) { return has_memory(one) && (!one.details || one.details->skmeminfo.empty()); }),
                         "IP socket was", "IP sockets were", "seen without its count of drops")};
    case kNeedBacklogs:
      return {of_sockets(sockets_with(snapshot, [](const Socket& one) { return is_ip(one) && one.state == model::kStateListen && !one.send_queue; }),
                         "listener was", "listeners were", "seen without the limit of its queue")};
    case kNeedTcpDump: return {in_namespaces(namespaces_without(snapshot, "tcp", true), "only a row of retransmissions is known, not how many there were,")};
    case kNeedPortRanges: {
      std::set<std::uint32_t> unknown;
      for (const auto& socket : snapshot.sockets)
        if (is_ip(socket) && socket.netns < snapshot.namespaces.size() && !snapshot.namespaces[socket.netns].local_ports) unknown.insert(socket.netns);
      return {in_namespaces(unknown.size(), "the range of local ports is not known")};
    }
    case kNeedMemberships:
      return {processes_text(snapshot, processes_with(snapshot, [](std::uint32_t, const model::Process& one) {
                               return !one.zombie && one.namespaces.find("net") == one.namespaces.end();
                             }), "the network namespace of")};
  }
  return {};
}

}  // namespace

void add_unchecked(const Snapshot& snapshot, const Rule& rule, std::vector<model::Unchecked>& unchecked) {
  if (snapshot.capture.incomplete) unchecked.push_back({rule.id, "the archive is cut, or damaged"});
  for (std::uint32_t bit = 1; bit != 0 && bit <= rule.needs; bit <<= 1) {
    if ((rule.needs & bit) == 0) continue;
    for (auto& reason : missing(snapshot, static_cast<Need>(bit)))
      if (!reason.empty()) unchecked.push_back({rule.id, std::move(reason)});
  }
}

}  // namespace ssnap::analyze
