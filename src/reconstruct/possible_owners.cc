// Who may hold a socket that nobody is known to hold: processes at whose UNIX sockets descriptors wait to be received, and
// rings of kernels that name the protocol of a registered socket but not its inode.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "reconstruct/passes.h"
#include "reconstruct/protocol_names.h"

namespace ssnap::reconstruct {
namespace {

using model::Owner;
using model::Socket;
using model::Via;

// All that may hold one may hold every other: past some tens they are no lead. Of each the first ones by pid.
constexpr std::size_t kMaxPossibleOwners = model::kMaxCandidates;
constexpr std::size_t kMaxFdsNamed = 32;
constexpr std::size_t kMaxInAll = 500'000;  // of all sockets; beyond that each has one

// Possible owners, one a process or thread and way, by process, thread and way.
class OwnerSet {
 public:
  void add(std::uint32_t process, std::optional<std::int64_t> tid, Via via, std::uint32_t fd,
           std::optional<std::uint32_t> place = {}) {
    const auto key = std::tuple(process, tid, via);
    auto at = owners_.find(key);
    if (at == owners_.end()) {
      Owner owner;
      owner.process = process;
      owner.tid = tid;
      owner.via = via;
      owner.certainty = model::Certainty::possible;
      at = owners_.emplace(key, std::move(owner)).first;
    }
    insert(at->second.fds, fd);
    if (place) insert(at->second.registered_files, *place);
    if (owners_.size() > kMaxPossibleOwners) owners_.erase(std::prev(owners_.end()));
  }

  // Adds those of `other`.
  void add(const OwnerSet& other) {
    owners_.insert(other.owners_.begin(), other.owners_.end());
    while (owners_.size() > kMaxPossibleOwners) owners_.erase(std::prev(owners_.end()));
  }

  // A process that may hold it in one way says so for its threads.
  std::vector<Owner> list() const {
    std::vector<Owner> owners;
    for (const auto& [key, owner] : owners_) {
      const auto [process, tid, via] = key;
      if (!tid || owners_.count({process, std::nullopt, via}) == 0) owners.push_back(owner);
    }
    return owners;
  }

 private:
  static void insert(base::SmallList<std::uint32_t, 2>& numbers, std::uint32_t number) {
    const auto at = std::lower_bound(numbers.begin(), numbers.end(), number);
    if (at != numbers.end() && *at == number) return;
    numbers.insert(at, number);
    if (numbers.size() > kMaxFdsNamed) numbers.pop_back();
  }

  std::map<std::tuple<std::uint32_t, std::optional<std::int64_t>, Via>, Owner> owners_;
};

// The owners of every UNIX socket in whose queue descriptors wait. One that nobody holds leads on to nobody.
OwnerSet collect_receivers(const Records& records, const model::Snapshot& snapshot) {
  std::set<std::uint64_t> inodes;
  OwnerSet receivers;
  std::uint32_t i = 0;
  for (const auto& [id, process] : records.processes) {
    std::set<std::pair<std::uint32_t, std::int64_t>> fds;
    for (const Receiver& receiver : process.receivers) {
      fds.emplace(receiver.fd, receiver.tid);
      receivers.add(i, receiver.tid == 0 ? std::nullopt : std::optional(receiver.tid), Via::in_flight, receiver.fd);
    }
    if (!fds.empty())
      for (const HeldSocket& held : process.sockets)
        if (fds.count({held.fd, held.tid}) != 0) inodes.insert(held.inode);
    ++i;
  }
  if (inodes.empty()) return receivers;
  for (const Socket& socket : snapshot.sockets) {
    if (socket.family != model::kFamilyUnix || !socket.inode || inodes.count(*socket.inode) == 0) continue;
    for (const Owner& owner : socket.owners) {
      if (owner.via != Via::fd && owner.via != Via::thread_fd) continue;
      for (const std::uint32_t fd : owner.fds) receivers.add(owner.process, owner.tid, Via::in_flight, fd);
    }
  }
  return receivers;
}

// Rings with a socket of which only the protocol is told, by network namespace, family and protocol.
using RingKey = std::tuple<std::uint64_t, std::uint16_t, std::uint16_t>;
std::map<RingKey, OwnerSet> collect_rings(const Records& records, const model::Snapshot& snapshot) {
  std::map<RingKey, OwnerSet> rings;
  std::uint32_t i = 0;
  for (const auto& [id, process] : records.processes) {
    const auto& namespaces = snapshot.processes[i].namespaces;
    const auto net = namespaces.find("net");
    const std::uint64_t netns = net != namespaces.end() ? net->second : records.own_netns.value_or(0);
    for (const Ring& ring : process.rings) {
      for (const auto& file : ring.info.registered) {
        const NamedProtocol* protocol = file.inode ? nullptr : find_protocol(file.name);
        if (protocol == nullptr) continue;
        rings[{netns, protocol->family, protocol->protocol}].add(
            i, ring.tid == 0 ? std::nullopt : std::optional(ring.tid), Via::io_uring, ring.fd, file.place);
      }
    }
    ++i;
  }
  return rings;
}

}  // namespace

void add_possible_owners(const Records& records, model::Snapshot& snapshot) {
  const OwnerSet receivers = collect_receivers(records, snapshot);
  const auto rings = collect_rings(records, snapshot);
  std::size_t in_all = 0;
  for (Socket& socket : snapshot.sockets) {
    // What came or went had its holder at another moment.
    const bool lived_through = !socket.presence || socket.presence == model::Presence::throughout;
    const std::uint64_t netns = snapshot.namespaces[socket.netns].inode;
    if (!socket.inode || !socket.owners.empty() || socket.ownerless_reason || !lived_through ||
        is_collectors(records, netns, socket))
      continue;
    OwnerSet owners = receivers;
    for (const std::uint16_t protocol : {socket.protocol, model::kTypeUntold, model::kNetlinkProtocolUntold})
      if (const auto at = rings.find({netns, socket.family, protocol}); at != rings.end()) owners.add(at->second);
    socket.owners = owners.list();
    if (in_all > kMaxInAll && socket.owners.size() > 1) socket.owners.resize(1);
    in_all += socket.owners.size();
  }
}

}  // namespace ssnap::reconstruct
