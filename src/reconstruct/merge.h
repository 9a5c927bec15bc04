// What the passes that merge views share. Internal to reconstruct.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "reconstruct/passes.h"
#include "reconstruct/protocol_names.h"
#include "reconstruct/socket_index.h"

namespace ssnap::reconstruct {

// What makes a socket of one dump the same as that of another. Cookies are unique in one boot; where a kernel sends
// none, the addresses have to do. `number`: cookie or inode.
using Identity = SocketKey<2>;
inline Identity identity(std::uint32_t netns, std::uint16_t family, std::uint16_t protocol, std::uint64_t number) {
  return {std::uint64_t{netns} << 32 | std::uint64_t{family} << 16 | protocol, number};
}
using IdentityIndex = SocketIndex<2>;

// One merge of all dumps: each socket once, by cookie.
class DumpMerge {
 public:
  DumpMerge(NamespaceIndex& namespaces, model::Snapshot& snapshot) : namespaces_(namespaces), snapshot_(snapshot) {}

  std::uint32_t netns(const Origin& origin) { return namespaces_.index_of(origin.netns); }
  // Adds a dumped socket, or only its sighting where it is known (a dump repeats sockets; a second pass sees them
  // again). What a later pass says of its state and queues replaces what an earlier one did.
  // `beside`: tells apart what shares a cookie (the associations of one SCTP socket); else 0.
  void add(model::Socket&& socket, model::View view, const Origin& origin, std::uint64_t offset, std::uint64_t beside = 0);

 private:
  NamespaceIndex& namespaces_;
  model::Snapshot& snapshot_;
  IdentityIndex known_;
};

// The sockets of one family by their namespace: indexes into Snapshot::sockets.
base::HashMap<std::uint32_t, std::vector<std::uint32_t>> sockets_by_netns(const model::Snapshot& snapshot,
                                                                               std::uint16_t family);
// The mount points over /proc/PID, by pid, that the collector had in its own mount namespace.
std::map<std::int64_t, std::string> hiding_mounts(const Records& records);

// True for the netlink views, false for those of procfs.
bool is_dump(model::View view);
void see(model::Socket& socket, model::View view, const Origin& origin, std::uint64_t offset);

// The network namespace of the process that holds it: a socket stays in the one that it was made in, which is mostly that.
std::uint64_t netns_of_holder(const Records& records, const NamedSocket& named);
// True if some table of the namespace would show such a socket.
bool has_table(const Records& records, std::uint64_t netns, const NamedProtocol& protocol);

}  // namespace ssnap::reconstruct
