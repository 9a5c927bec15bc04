// Why a socket has no certain owner.
#include <string>

#include "reconstruct/listeners.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// The tables have netlink sockets that are bound; port id 0 is the kernel's own.
bool is_kernels_netlink_socket(const Socket& socket) {
  return socket.family == model::kFamilyNetlink && socket.local.port == 0 && !socket.sightings.empty() &&
         socket.sightings.front().view != model::View::sockprotoname;
}

std::string listener_text(const Socket& listener) {
  const std::string address = listener.local.address.to_string();
  return (listener.local.address.is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(listener.local.port);
}

}  // namespace

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
