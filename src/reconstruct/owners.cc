// Whose sockets they are.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

struct Holding {
  std::uint32_t process;  // index into Snapshot::processes
  std::uint32_t fd;
  std::uint8_t pass;
};

bool is_tcp(const Socket& socket) { return socket.protocol == model::kProtocolTcp && socket.local.address.length != 0; }

// True if a connection to `socket`'s local address would be accepted by `listener`.
bool accepts(const Socket& listener, const Socket& socket) {
  if (listener.local.port != socket.local.port) return false;
  const base::IpAddress wanted = socket.local.address.unmapped();
  const base::IpAddress bound = listener.local.address.unmapped();
  if (bound == wanted) return true;
  if (!bound.is_any()) return false;
  if (bound.length == wanted.length) return true;
  // A listener on :: serves IPv4 too, unless it was told not to.
  return bound.is_v6() && !(listener.details && listener.details->v6only.value_or(false));
}

// The tables have netlink sockets that are bound; port id 0 is the kernel's own.
bool is_kernels_netlink_socket(const Socket& socket) {
  return socket.family == model::kFamilyNetlink && socket.local.port == 0 && !socket.sightings.empty() &&
         socket.sightings.front().view != model::View::sockprotoname;
}

// Listeners that a connection without an inode may be waiting for.
class Listeners {
 public:
  explicit Listeners(const model::Snapshot& snapshot) : snapshot_(snapshot) {
    for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
      const Socket& socket = snapshot.sockets[i];
      if (socket.state != model::kStateListen) continue;
      if (is_tcp(socket)) by_port_.emplace(key(socket.netns, socket.local.port), i);
      if (socket.family == model::kFamilyUnix && socket.name.kind != model::UnixName::Kind::none)
        by_name_.emplace(std::pair{socket.netns, socket.name.bytes}, i);
    }
  }

  // The most exact one: of this address before those of any address.
  const Socket* find(const Socket& socket) const {
    const Socket* best = nullptr;
    if (is_tcp(socket)) {
      const auto [begin, end] = by_port_.equal_range(key(socket.netns, socket.local.port));
      for (auto at = begin; at != end; ++at) {
        const Socket& listener = snapshot_.sockets[at->second];
        if (!accepts(listener, socket)) continue;
        if (!best || (best->local.address.is_any() && !listener.local.address.is_any())) best = &listener;
      }
    } else if (socket.family == model::kFamilyUnix) {
      const auto [begin, end] = by_name_.equal_range(std::pair{socket.netns, socket.name.bytes});
      for (auto at = begin; at != end; ++at) {
        const Socket& listener = snapshot_.sockets[at->second];
        if (listener.name.kind == socket.name.kind && listener.protocol == socket.protocol) best = &listener;
      }
    }
    return best;
  }

 private:
  static std::uint64_t key(std::uint32_t netns, std::uint32_t port) {
    return static_cast<std::uint64_t>(netns) << 32 | port;
  }
  const model::Snapshot& snapshot_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_port_;
  std::multimap<std::pair<std::uint32_t, std::string>, std::uint32_t> by_name_;
};

// A connection that no process has a descriptor of yet: it is complete and waits for its listener's accept().
bool may_wait_to_be_accepted(const Socket& socket) {
  if (socket.inode) return false;
  if (socket.family == model::kFamilyUnix) return true;
  return is_tcp(socket) && (socket.state == model::kStateEstab || socket.state == model::kStateCloseWait);
}

std::string listener_text(const Socket& listener) {
  const std::string address = listener.local.address.to_string();
  return (listener.local.address.is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(listener.local.port);
}

}  // namespace

void join_owners(const Records& records, model::Snapshot& snapshot) {
  std::unordered_map<std::uint64_t, std::vector<Holding>> holders;
  for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i) {
    const auto process = records.processes.find(snapshot.processes[i].pid);
    if (process == records.processes.end()) continue;
    for (const HeldSocket& held : process->second.sockets) holders[held.inode].push_back({i, held.fd, held.pass});
  }
  for (Socket& socket : snapshot.sockets) {
    if (!socket.inode) continue;
    const auto at = holders.find(*socket.inode);
    if (at == holders.end()) continue;
    auto& list = at->second;
    std::sort(list.begin(), list.end(), [](const Holding& a, const Holding& b) {
      return std::tie(a.process, a.fd) < std::tie(b.process, b.fd);
    });
    for (const Holding& holding : list) {
      if (socket.owners.empty() || socket.owners.back().process != holding.process) {
        model::Owner owner;
        owner.process = holding.process;
        socket.owners.push_back(std::move(owner));
      }
      auto& fds = socket.owners.back().fds;
      if (fds.empty() || fds.back() != holding.fd) fds.push_back(holding.fd);
      socket.owners.back().passes |= static_cast<std::uint8_t>(1u << (holding.pass - 1));
    }
  }

  const Listeners listeners(snapshot);
  for (Socket& socket : snapshot.sockets) {
    if (!may_wait_to_be_accepted(socket)) continue;
    const Socket* listener = listeners.find(socket);
    if (listener == nullptr || listener == &socket) continue;
    for (const model::Owner& owner : listener->owners) {
      model::Owner waiting;
      waiting.process = owner.process;
      waiting.via = model::Via::listener;
      socket.owners.push_back(std::move(waiting));
    }
  }
}

void trace_origins(model::Snapshot& snapshot) {
  std::unordered_map<std::int64_t, std::uint32_t> by_pid;
  for (std::uint32_t i = 0; i < snapshot.processes.size(); ++i) by_pid.emplace(snapshot.processes[i].pid, i);

  // The nearest ancestor of `process` for which `holds` is true. A parent that started after its child is another
  // process with a pid used again: the chain ends there.
  const auto holding_ancestor = [&](std::uint32_t process, const auto& holds) -> std::optional<std::uint32_t> {
    constexpr int kMaxAncestors = 4096;  // a forged tree may have a loop
    std::uint32_t child = process;
    for (int i = 0; i < kMaxAncestors; ++i) {
      const auto& ppid = snapshot.processes[child].ppid;
      if (!ppid || *ppid <= 0) return std::nullopt;
      const auto parent = by_pid.find(*ppid);
      if (parent == by_pid.end() || parent->second == child) return std::nullopt;
      const auto& parent_start = snapshot.processes[parent->second].start_ticks;
      const auto& child_start = snapshot.processes[child].start_ticks;
      if (parent_start && child_start && *parent_start > *child_start) return std::nullopt;
      child = parent->second;
      if (holds(child)) return child;
    }
    return std::nullopt;
  };

  for (Socket& socket : snapshot.sockets) {
    if (socket.owners.size() < 2 || socket.owners.front().via != model::Via::fd) continue;
    const auto holds = [&](std::uint32_t process) {
      const auto at = std::lower_bound(socket.owners.begin(), socket.owners.end(), process,
                                       [](const model::Owner& owner, std::uint32_t p) { return owner.process < p; });
      return at != socket.owners.end() && at->process == process;
    };
    std::size_t roots = 0;
    for (model::Owner& owner : socket.owners) {
      owner.from = holding_ancestor(owner.process, holds);
      if (owner.from) owner.origin = model::Origin::inherited;
      else ++roots;
    }
    // One holder from which all others descend: it made the socket, as far as can be told.
    for (model::Owner& owner : socket.owners)
      if (!owner.from && roots == 1) owner.origin = model::Origin::creator;
  }
}

void give_reasons(const Records& records, model::Snapshot& snapshot) {
  const Listeners listeners(snapshot);
  std::uint64_t unreadable = 0;
  std::string unreadable_pids;
  constexpr std::uint64_t kMaxPidsNamed = 20;
  for (const auto& process : snapshot.processes) {
    if (process.fds_readable || process.kernel_thread || process.zombie) continue;
    if (++unreadable <= kMaxPidsNamed) unreadable_pids += (unreadable > 1 ? ", " : "") + std::to_string(process.pid);
  }
  if (unreadable > kMaxPidsNamed) unreadable_pids += ", ...";
  std::uint64_t left_out = 0;  // capture --pid
  for (const auto& gap : snapshot.gaps)
    if (gap.source == "proc_list" && gap.kind == base::OutcomeKind::skipped) left_out += gap.count;

  for (Socket& socket : snapshot.sockets) {
    if (!socket.owners.empty()) continue;
    model::OwnerlessReason reason;
    switch (is_tcp(socket) && !socket.inode ? socket.state : 0) {
      case model::kStateTimeWait:
        reason = {model::OwnerlessCode::time_wait, "closed; the kernel keeps the address pair for a while"};
        break;
      case model::kStateSynRecv:
      case model::kStateNewSynRecv: {
        const Socket* listener = listeners.find(socket);
        reason = {model::OwnerlessCode::request,
                  listener ? "request of the listener on " + listener_text(*listener) : "request of a listener"};
        break;
      }
      case model::kStateFinWait1:
      case model::kStateFinWait2:
      case model::kStateLastAck:
      case model::kStateClosing:
        reason = {model::OwnerlessCode::orphan, "closed by its process, the kernel is finishing"};
        break;
      default:
        if (is_kernels_netlink_socket(socket)) {
          reason = {model::OwnerlessCode::kernel, "the kernel's own end of this netlink protocol"};
        } else if (is_collectors(records, snapshot.namespaces[socket.netns].inode, socket)) {
          reason = {model::OwnerlessCode::gone, "the collector's own, which asked for the tables"};
        } else if (socket.presence == model::Presence::came || socket.presence == model::Presence::went) {
          reason = {model::OwnerlessCode::gone, socket.presence == model::Presence::came
                                                    ? "it was not there when the fds were read"
                                                    : "it ended before its holder's fds were read"};
        } else if (unreadable > 0) {
          reason = {model::OwnerlessCode::unreadable,
                    "the fds of " + std::to_string(unreadable) + (unreadable == 1 ? " process" : " processes") +
                        " could not be read: pid " + unreadable_pids};
        } else if (snapshot.capture.incomplete) {
          reason = {model::OwnerlessCode::unreadable, "the archive is cut: not every process is in it"};
        } else if (left_out > 0) {
          reason = {model::OwnerlessCode::unreadable,
                    std::to_string(left_out) + (left_out == 1 ? " process was" : " processes were") + " left out by --pid"};
        } else if (snapshot.capture.inner_pid_namespace) {
          reason = {model::OwnerlessCode::other_pid_namespace,
                    "the collector's pid namespace shows its own processes only"};
        } else {
          reason = {model::OwnerlessCode::unexplained, "no process that was read holds it"};
        }
    }
    socket.ownerless_reason = std::move(reason);
  }
}

}  // namespace ssnap::reconstruct
