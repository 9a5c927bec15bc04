#include "analyze/unchecked.h"

#include <algorithm>
#include <utility>

#include "analyze/rules/scene.h"

namespace ssnap::analyze {
namespace {

using model::Snapshot;
using model::Socket;

class Missing {
 public:
  Missing(const Snapshot& snapshot, const Rule& rule, std::vector<model::Unchecked>& unchecked)
      : snapshot_(snapshot), rule_(rule), unchecked_(unchecked) {}

  void add(Need need) {
    switch (need) {
      case kNeedOwners: return add_owners();
      case kNeedExecutables: {
        std::vector<bool> holds(snapshot_.processes.size(), false);
        for (const auto& socket : snapshot_.sockets)
          for (const auto& owner : socket.owners)
            if (is_holder(snapshot_, owner)) holds[owner.process] = true;
        Indexes unread;
        for (std::uint32_t i = 0; i < holds.size(); ++i)
          if (holds[i] && !snapshot_.processes[i].exe && !snapshot_.processes[i].kernel_thread) unread.push_back(i);
        return add_processes("the executable of ", unread);
      }
      case kNeedPacketTable: return add_table("packet", false, "there is no table of packet sockets");
      case kNeedRawTable: return add_table("raw", false, "there is no table of raw sockets");
      case kNeedTcpDump: return add_table("tcp", true, "of retransmissions only those in a row are known,");
      case kNeedPacketFilters: return add_sockets(is_filter_unseen, "packet socket", "was not told whether it has a filter, or which");
      case kNeedMemory: return add_sockets(has_no_memory, "IP socket", "was not told what it dropped");
      case kNeedBacklogs: return add_sockets(has_no_limit, "listener", "was not told the limit of its queue");
      case kNeedPortRanges: {
        std::vector<bool> unknown(snapshot_.namespaces.size(), false);
        for (const auto& socket : snapshot_.sockets)
          if (is_ip(socket) && socket.netns < unknown.size() && !snapshot_.namespaces[socket.netns].local_ports) unknown[socket.netns] = true;
        return add_namespaces("the range of local ports is not known", unknown);
      }
      case kNeedMemberships: {
        Indexes unread;
        for (std::uint32_t i = 0; i < snapshot_.processes.size(); ++i) {
          const auto& one = snapshot_.processes[i];
          if (!one.kernel_thread && !one.zombie && one.namespaces.find("net") == one.namespaces.end()) unread.push_back(i);
        }
        return add_processes("the network namespace of ", unread);
      }
    }
  }

  void say(Text& text) { unchecked_.push_back({rule_.id, std::exchange(text.bytes, {})}); }

 private:
  static bool is_filter_unseen(const Socket& socket) {
    if (socket.family != model::kFamilyPacket) return false;
    const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
    if (packet != nullptr && packet->filter) return packet->filter->empty();
    return std::none_of(socket.sightings.begin(), socket.sightings.end(), [](const auto& one) { return one.view == model::View::packet_diag; });
  }

  // What is only a remainder, or a request, has no memory of its own.
  static bool has_no_memory(const Socket& socket) {
    const bool none = socket.state == model::kStateTimeWait || socket.state == model::kStateSynRecv || socket.state == model::kStateNewSynRecv;
    return is_ip(socket) && !none && (!socket.details || socket.details->skmeminfo.empty());
  }

  static bool has_no_limit(const Socket& socket) { return is_ip(socket) && socket.state == model::kStateListen && !socket.send_queue; }

  void add_sockets(bool (*test)(const Socket&), std::string_view kind, std::string_view what) {
    const auto number = std::count_if(snapshot_.sockets.begin(), snapshot_.sockets.end(), test);
    if (number == 0) return;
    Text text;
    text << "of " << static_cast<std::uint64_t>(number) << " " << kind << (number == 1 ? " it " : "s it ") << what;
    say(text);
  }

  void add_processes(std::string_view what, const Indexes& processes) {
    if (processes.empty()) return;
    Text text;
    text << what << Count{processes.size(), "process", "processes"} << " could not be read: ";
    for (std::size_t i = 0; i < std::min(processes.size(), kMaxNamed); ++i) {
      const auto& one = snapshot_.processes[processes[i]];
      text << (i == 0 ? "" : ", ") << (one.comm.empty() ? "?" : std::string_view(one.comm)) << "[" << static_cast<std::uint64_t>(one.pid) << "]";
    }
    if (processes.size() > kMaxNamed) text << ", ...";
    say(text);
  }

  void add_namespaces(std::string_view what, const std::vector<bool>& which) {
    const auto number = std::count(which.begin(), which.end(), true);
    if (number == 0) return;
    Text text;
    text << what << " in " << Count{static_cast<std::uint64_t>(number), "namespace", "namespaces"};
    say(text);
  }

  // Where a table was neither dumped nor listed, or at least not dumped.
  void add_table(std::string_view table, bool dump, std::string_view what) {
    std::vector<bool> without(snapshot_.namespaces.size(), true);
    for (std::size_t n = 0; n < without.size(); ++n) without[n] = !snapshot_.namespaces[n].unknown;
    for (const auto& line : snapshot_.account)
      if (line.netns < without.size() && line.table == table && (line.dumped || (!dump && line.listed))) without[line.netns] = false;
    add_namespaces(what, without);
  }

  void add_owners() {
    std::vector<std::int64_t> ended;  // before their descriptors were read
    std::uint64_t left_out = 0;
    bool mounted_procfs = false;
    for (const auto& gap : snapshot_.gaps) {
      if (gap.source == "proc_pid_fd" && gap.kind == base::OutcomeKind::vanished && gap.pid && !gap.tid) ended.push_back(*gap.pid);
      if (gap.source == "proc_list" && gap.kind == base::OutcomeKind::skipped) left_out += gap.count;
      mounted_procfs = mounted_procfs || gap.source == "procfs";
    }
    std::sort(ended.begin(), ended.end());
    Indexes unread;
    for (std::uint32_t i = 0; i < snapshot_.processes.size(); ++i) {
      const auto& one = snapshot_.processes[i];
      if (!one.fds_readable && !one.kernel_thread && !std::binary_search(ended.begin(), ended.end(), one.pid)) unread.push_back(i);
    }
    add_processes("the descriptors of ", unread);
    Text text;
    if (left_out != 0) say(text << Count{left_out, "process was", "processes were"} << " left out by --pid");
    if (snapshot_.capture.inner_pid_namespace) say(text << "processes outside of the collector's pid namespace were not in its /proc");
    if (mounted_procfs) say(text << "processes under a mount over their /proc/PID were not seen: /proc was read as it is mounted");
  }

  const Snapshot& snapshot_;
  const Rule& rule_;
  std::vector<model::Unchecked>& unchecked_;
};

}  // namespace

void add_unchecked(const Snapshot& snapshot, const Rule& rule, std::vector<model::Unchecked>& unchecked) {
  Missing missing(snapshot, rule, unchecked);
  Text text;
  if (snapshot.capture.incomplete) missing.say(text << "the archive is cut, or damaged");
  for (std::uint32_t bit = 1; bit <= rule.needs; bit <<= 1)
    if ((rule.needs & bit) != 0) missing.add(static_cast<Need>(bit));
}

}  // namespace ssnap::analyze
