// Why a socket has no certain owner.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "reconstruct/listeners.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::OwnerlessCode;
using model::OwnerlessReason;
using model::Socket;

constexpr std::size_t kMaxNamed = 20;  // pids in a sentence

std::string plural(std::uint64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string listener_text(const Socket& listener) {
  if (listener.family == model::kFamilyUnix)
    return (listener.name->kind == model::UnixName::Kind::abstract_name ? "@" : "") + listener.name->bytes;
  const std::string address = listener.local.address.to_string();
  return (listener.local.address.is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(listener.local.port);
}

// True if a process may be sure of it: one owner at least is certain.
bool has_certain_owner(const Socket& socket) {
  return std::any_of(socket.owners.begin(), socket.owners.end(),
                     [](const model::Owner& owner) { return owner.certainty == model::Certainty::certain; });
}

// The table that a dump of the socket's family is noted for in Records::views.
bool was_dumped(const Records& records, const model::Snapshot& snapshot, const Socket& socket) {
  const auto views = records.views.find(snapshot.namespaces[socket.netns].inode);
  if (views == records.views.end()) return false;
  const bool is_inet = socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
  const std::uint16_t protocol = is_inet ? socket.protocol : std::uint16_t{0};
  for (int number = 0; number <= static_cast<int>(model::View::sockprotoname); ++number) {
    const auto view = static_cast<model::View>(number);
    if (is_dump(view) && views->second.count({view, socket.family, protocol}) != 0) return true;
  }
  return false;
}

// Processes of which not every way to hold a socket was seen.
class Candidates {
 public:
  Candidates(const Records& records, const model::Snapshot& snapshot) {
    std::set<std::int64_t> ended;  // before their fds were read
    for (const model::Gap& gap : snapshot.gaps)
      if (gap.source == "proc_pid_fd" && gap.kind == base::OutcomeKind::vanished && gap.pid && !gap.tid)
        ended.insert(*gap.pid);
    std::uint32_t i = 0;
    for (const auto& [id, from] : records.processes) {
      const model::Process& process = snapshot.processes[i];
      const bool hides_fds = !process.fds_readable && !process.kernel_thread && (from.fds_seen || ended.count(id.pid) == 0);
      const bool hides_ring = !process.kernel_thread && has_hidden_ring(from);
      hidden_rings_ += hides_ring && !hides_fds;
      if (hides_fds || hides_ring) {
        all_.push_back({i, id.pid});
        if (process.uid) by_uid_[*process.uid].push_back({i, id.pid});
        if (process.euid && process.euid != process.uid) by_uid_[*process.euid].push_back({i, id.pid});
      }
      ++i;
    }
  }

  bool empty() const { return all_.empty(); }

  // Says which processes they are, those that run as the socket's uid first.
  void tell(const Socket& socket, OwnerlessReason& reason) {
    const auto uid = socket.uid && by_uid_.count(*socket.uid) != 0 ? socket.uid : std::nullopt;
    const auto [at, is_new] = told_.emplace(uid, Told{});
    if (is_new) at->second = put_together(uid);
    reason.detail += at->second.detail;
    reason.candidates = at->second.processes;
    reason.candidate_count = all_.size();
  }

 private:
  struct Candidate {
    std::uint32_t process;
    std::int64_t pid;
    bool operator==(const Candidate&) const = default;
  };
  struct Told {
    std::string detail;
    std::vector<std::uint32_t> processes;
  };

  // A ring whose registered files were not told: it was busy, its fdinfo was not read, or its fd is closed and only its
  // mapping left.
  static bool has_hidden_ring(const ProcessRecords& process) {
    std::set<std::pair<std::uint32_t, std::int64_t>> told;
    for (const Ring& ring : process.rings)
      if (ring.info.user_files) told.emplace(ring.fd, ring.tid);
    if (process.ring_mapped && process.ring_fds.empty()) return true;
    return std::any_of(process.ring_fds.begin(), process.ring_fds.end(),
                       [&](const auto& ring) { return told.count(ring) == 0; });
  }

  Told put_together(std::optional<std::uint32_t> uid) const {
    std::vector<Candidate> first;
    if (uid) first = by_uid_.at(*uid);
    const std::set<std::uint32_t> already = [&] {
      std::set<std::uint32_t> processes;
      for (const Candidate& candidate : first) processes.insert(candidate.process);
      return processes;
    }();
    for (const Candidate& candidate : all_) {
      if (first.size() >= model::kMaxCandidates) break;
      if (already.count(candidate.process) == 0) first.push_back(candidate);
    }
    if (first.size() > model::kMaxCandidates) first.resize(model::kMaxCandidates);
    Told told;
    const std::size_t fds = all_.size() - hidden_rings_;
    if (fds > 0) told.detail = "the fds of " + plural(fds, "process", "processes") + " could not be read";
    if (hidden_rings_ > 0)
      told.detail += (fds > 0 ? ", nor " : "") + std::string("the registered files of an io_uring of ") +
                     plural(hidden_rings_, "process", "processes") + (fds > 0 ? "" : " could not be read");
    told.detail += ": pid ";
    for (std::size_t i = 0; i < first.size(); ++i) {
      told.processes.push_back(first[i].process);
      if (i < kMaxNamed) told.detail += (i > 0 ? ", " : "") + std::to_string(first[i].pid);
    }
    if (all_.size() > kMaxNamed) told.detail += ", ...";
    if (uid) told.detail += " (those of the socket's uid first)";
    return told;
  }

  std::vector<Candidate> all_;
  std::map<std::uint32_t, std::vector<Candidate>> by_uid_;
  std::size_t hidden_rings_ = 0;  // processes that are candidates for that alone
  std::map<std::optional<std::uint32_t>, Told> told_;
};

class Reasons {
 public:
  Reasons(const Records& records, const model::Snapshot& snapshot)
      : records_(records), snapshot_(snapshot), listeners_(snapshot), candidates_(records, snapshot) {
    for (const auto& gap : snapshot.gaps) {
      if (gap.source == "proc_list" && gap.kind == base::OutcomeKind::skipped) left_out_ += gap.count;
      hides_processes_ |= gap.source == "procfs" && base::makes_incomplete(gap.kind);
      if (gap.source == "proc_pid" && gap.pid && !gap.tid && base::makes_incomplete(gap.kind)) unopened_.insert(*gap.pid);
    }
    for (const auto& [id, process] : records.processes) unopened_.erase(id.pid);
    std::uint64_t processes = 0, threads = 0, rings = 0, mappings = 0;
    for (const auto& [id, process] : records.processes) {
      processes += process.fds_seen;
      threads += process.own_tables.size();
      rings += process.rings.size();
      mappings += process.mapped_inodes.size();
    }
    has_fds_ = processes + threads > 0;
    looked_at_ = plural(processes, "process", "processes") + ", " + plural(threads, "thread", "threads") + ", " +
                 plural(rings, "io_uring", "io_urings") + ", " + plural(mappings, "mapping", "mappings");
  }

  OwnerlessReason of(const Socket& socket) {
    if (!socket.inode) return without_file(socket);
    OwnerlessReason reason = with_file(socket);
    if (socket.owners.empty()) return reason;
    // Those that may hold it explain it before those of which nothing is known.
    if (reason.code != OwnerlessCode::gone) reason.code = OwnerlessCode::uncertain;
    reason.detail = possible_text(socket) + "; else " + reason.detail;
    return reason;
  }

  // Of a connection that waits to be accepted. `listener`: one of those at which it may wait, with its reason if it has
  // no certain owner.
  OwnerlessReason of_waiting(const Socket& socket) {
    const auto found = listeners_.find_all(socket);
    if (found.empty()) {
      if (auto reason = gone(socket)) return *reason;
      return {OwnerlessCode::gone, "complete and not accepted, but its listener is in no table: it was closed meanwhile"};
    }
    const Socket& listener = snapshot_.sockets[found.front()];
    const std::string where = "waits to be accepted by " +
                              (found.size() > 1 ? "one of the " + std::to_string(found.size()) + " listeners on "
                                                : std::string("the listener on ")) +
                              listener_text(listener);
    if (!listener.ownerless_reason) return {OwnerlessCode::request, where};
    OwnerlessReason reason = *listener.ownerless_reason;
    reason.detail = where + ", which nobody is known to hold: " + reason.detail;
    return reason;
  }

 private:
  // A socket that no descriptor leads to.
  OwnerlessReason without_file(const Socket& socket) const {
    const bool is_inet = socket.local.address.length != 0;
    switch (is_inet ? socket.state : 0) {
      case model::kStateTimeWait:
        return {OwnerlessCode::time_wait, "closed; the kernel keeps the address pair for a while"};
      case model::kStateSynRecv:
      case model::kStateNewSynRecv: {
        const Socket* listener = listeners_.find(socket);
        return {OwnerlessCode::request,
                listener ? "request of the listener on " + listener_text(*listener) : "request of a listener"};
      }
      case model::kStateFinWait1:
      case model::kStateFinWait2:
      case model::kStateLastAck:
      case model::kStateClosing: return {OwnerlessCode::orphan, "closed by its process, the kernel is finishing"};
      default: return {OwnerlessCode::orphan, "no descriptor leads to it: closed, or not accepted yet"};
    }
  }

  OwnerlessReason with_file(const Socket& socket) {
    if (is_collectors(records_, snapshot_.namespaces[socket.netns].inode, socket))
      return {OwnerlessCode::gone, "the collector's own, which asked for the tables"};
    if (auto reason = gone(socket)) return *reason;
    if (snapshot_.capture.incomplete)
      return {OwnerlessCode::unreadable, "the archive is cut: not every process is in it"};
    if (left_out_ > 0)
      return {OwnerlessCode::unreadable, plural(left_out_, "process was", "processes were") + " left out by --pid"};
    // Known processes that were not read are a lead, those outside of the pid namespace only a possibility.
    constexpr const char* kInner = "the collector's pid namespace shows its own processes only";
    if (!candidates_.empty()) {
      OwnerlessReason reason{OwnerlessCode::unreadable, ""};
      candidates_.tell(socket, reason);
      if (snapshot_.capture.inner_pid_namespace) reason.detail += std::string("; besides, ") + kInner;
      return reason;
    }
    if (!unopened_.empty()) return {OwnerlessCode::unreadable, unopened_text()};
    if (hides_processes_) return {OwnerlessCode::unreadable, "/proc hid processes from the collector (hidepid)"};
    if (snapshot_.capture.inner_pid_namespace) return {OwnerlessCode::other_pid_namespace, kInner};
    const bool is_copy = snapshot_.capture.status == "directory";
    if (is_copy && !has_fds_) return {OwnerlessCode::unreadable, "this copy of /proc has no fds of any process"};
    return {OwnerlessCode::unexplained,
            "nothing that was read holds it (" + looked_at_ +
                "): it is the kernel's, though no link or mount tells of it, or of a process that " +
                (is_copy ? "this copy of /proc lacks" : "/proc doesn't show")};
  }

  // Processes of which nothing is known but their number.
  std::string unopened_text() const {
    std::string text = plural(unopened_.size(), "process", "processes") + " could not be opened: pid ";
    std::size_t named = 0;
    for (const std::int64_t pid : unopened_) {
      if (named == kMaxNamed) return text + ", ...";
      text += (named++ > 0 ? ", " : "") + std::to_string(pid);
    }
    return text;
  }

  std::optional<OwnerlessReason> gone(const Socket& socket) const {
    if (socket.presence == model::Presence::came)
      return OwnerlessReason{OwnerlessCode::gone, "it was not there when the fds were read"};
    if (socket.presence == model::Presence::went)
      return OwnerlessReason{OwnerlessCode::gone, "it ended before its holder's fds were read"};
    const bool is_dumped = std::any_of(socket.sightings.begin(), socket.sightings.end(),
                                       [](const model::Sighting& sighting) { return is_dump(sighting.view); });
    if (!is_dumped && was_dumped(records_, snapshot_, socket))
      return OwnerlessReason{OwnerlessCode::gone, "only /proc/net showed it: it was there for a moment between the dumps"};
    return std::nullopt;
  }

  // "may be in flight, in the queue of pid 5 (fd 4)".
  std::string possible_text(const Socket& socket) const {
    std::string flight, rings;
    std::size_t count = 0;
    for (const model::Owner& owner : socket.owners) {
      if (++count > kMaxNamed) break;
      std::string& text = owner.via == model::Via::io_uring ? rings : flight;
      text += (text.empty() ? "pid " : ", pid ") + std::to_string(snapshot_.processes[owner.process].pid);
      if (owner.tid) text += " thread " + std::to_string(*owner.tid);
      if (!owner.fds.empty()) text += " (fd " + std::to_string(owner.fds.front()) + (owner.fds.size() > 1 ? ", ..." : "") + ")";
    }
    std::string text;
    if (!rings.empty()) text = "may be a registered file of an io_uring of " + rings;
    if (!flight.empty()) text += (text.empty() ? "may be in flight, in the queue of " : ", or in flight, in the queue of ") + flight;
    return text;
  }

  const Records& records_;
  const model::Snapshot& snapshot_;
  const Listeners listeners_;
  Candidates candidates_;
  std::uint64_t left_out_ = 0;  // capture --pid
  std::set<std::int64_t> unopened_;
  bool hides_processes_ = false;
  bool has_fds_ = false;  // some fd table was read
  std::string looked_at_;
};

}  // namespace

void give_reasons(const Records& records, model::Snapshot& snapshot) {
  Reasons reasons(records, snapshot);
  // Connections that wait come last: their listener's reason is theirs.
  for (const bool is_waiting : {false, true}) {
    for (Socket& socket : snapshot.sockets) {
      if (socket.ownerless_reason || has_certain_owner(socket) || may_wait_to_be_accepted(socket) != is_waiting) continue;
      socket.ownerless_reason = is_waiting ? reasons.of_waiting(socket) : reasons.of(socket);
    }
  }
}

}  // namespace ssnap::reconstruct
