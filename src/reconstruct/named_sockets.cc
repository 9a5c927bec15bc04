// Sockets that no table showed: an fd, and what the kernel calls the protocol.
#include <algorithm>
#include <string>

#include "base/hash.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// Held, and in no table that was read: said for each of which nothing more is known.
model::Gap gap_of(const NamedSocket& named, const model::Snapshot& snapshot) {
  model::Gap gap;
  gap.kind = base::OutcomeKind::unsupported;
  gap.source = "sockprotoname";
  gap.member = snapshot.members[named.origin.member];
  gap.pid = named.pid;
  gap.detail = (named.protocol.empty() ? "a socket of unknown protocol" : named.protocol) + ", fd " +
               std::to_string(named.fd) + ": in no table; neither bound nor connected, or in a namespace that was not read";
  return gap;
}

// capture --netns self: then a socket of any of the others is in no table.
bool has_own_namespace_only(const model::Snapshot& snapshot) {
  return std::any_of(snapshot.gaps.begin(), snapshot.gaps.end(), [](const model::Gap& gap) {
    return gap.source == "netns_list" && gap.kind == base::OutcomeKind::skipped;
  });
}

}  // namespace

std::uint64_t netns_of_holder(const Records& records, const NamedSocket& named) {
  const auto process = records.processes.find(named.pid);
  if (process == records.processes.end()) return records.own_netns.value_or(0);
  const auto at = process->second.namespaces.find("net");
  return at != process->second.namespaces.end() ? at->second : records.own_netns.value_or(0);
}

bool has_table(const Records& records, std::uint64_t netns, const NamedProtocol& protocol) {
  const auto views = records.views.find(netns);
  if (views == records.views.end()) return false;
  const bool is_inet = protocol.family == model::kFamilyInet || protocol.family == model::kFamilyInet6;
  for (int view = 0; view <= static_cast<int>(model::View::sockprotoname); ++view)
    if (views->second.count({static_cast<model::View>(view), protocol.family, is_inet ? protocol.protocol : std::uint16_t{0}}) != 0)
      return true;
  return false;
}

void add_named_sockets(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  const bool has_own_only = has_own_namespace_only(snapshot);
  base::HashSet<std::uint64_t> unknown;  // of the few that have a name, those that no table showed
  for (const NamedSocket& named : records.named_sockets) unknown.insert(named.inode);
  if (unknown.empty()) return;
  for (const Socket& socket : snapshot.sockets)
    if (socket.inode) unknown.erase(*socket.inode);
  for (const NamedSocket& named : records.named_sockets) {
    const NamedProtocol* protocol = find_protocol(named.protocol);
    if (!protocol && !named.still_held) continue;
    if (unknown.erase(named.inode) == 0) continue;
    const std::uint64_t netns = netns_of_holder(records, named);
    const bool is_foreign = protocol && has_table(records, netns, *protocol);
    if (!protocol || (is_foreign && has_own_only)) {
      snapshot.gaps.push_back(gap_of(named, snapshot));
      continue;
    }
    // Where its table was read, and does not have it, the namespace is another one, or it is not bound yet: both can't
    // be told from outside.
    Socket socket;
    socket.netns = is_foreign ? namespaces.unknown() : namespaces.index_of(netns);
    socket.family = protocol->family;
    socket.protocol = protocol->protocol;
    socket.state = is_foreign ? model::kStateUnconn : model::kStateUnknown;
    socket.inode = named.inode;
    see(socket, model::View::sockprotoname, named.origin, named.offset);
    snapshot.sockets.push_back(std::move(socket));
  }
}

}  // namespace ssnap::reconstruct
