// Who holds each socket: certain holders by inode, and the listener's owners for connections that wait to be accepted.
#include <algorithm>
#include <compare>
#include <tuple>
#include <vector>

#include "reconstruct/listeners.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Owner;
using model::Socket;
using model::Via;

// One way in which a process or thread holds an inode. In the order of Socket::owners.
struct Holding {
  std::uint64_t inode = 0;
  std::uint32_t process = 0;  // index into Snapshot::processes
  std::int64_t tid = 0;       // 0: the process's own table
  Via via = Via::fd;
  std::uint32_t fd = 0;
  std::uint32_t place = 0;    // io_uring: in the ring's table
  std::uint8_t pass = 0;      // 0: no walk of fds

  auto operator<=>(const Holding&) const = default;
};

std::vector<Holding> collect_holdings(const Records& records) {
  std::size_t count = 0;
  for (const auto& [id, process] : records.processes) count += process.sockets.size();
  std::vector<Holding> holdings;
  holdings.reserve(count);
  std::uint32_t i = 0;
  for (const auto& [id, process] : records.processes) {
    for (const HeldSocket& held : process.sockets)
      holdings.push_back({held.inode, i, held.tid, held.tid == 0 ? Via::fd : Via::thread_fd, held.fd, 0, held.pass});
    for (const Ring& ring : process.rings)
      for (const auto& file : ring.info.registered)
        if (file.inode) holdings.push_back({*file.inode, i, ring.tid, Via::io_uring, ring.fd, file.place, 0});
    for (const std::uint64_t inode : process.mapped_inodes) holdings.push_back({inode, i, 0, Via::mmap, 0, 0, 0});
    ++i;
  }
  std::sort(holdings.begin(), holdings.end());
  holdings.erase(std::unique(holdings.begin(), holdings.end()), holdings.end());
  return holdings;
}

// Owners that follow from others (an inode that several sockets share, a listener's owners) are not bounded by the
// evidence: a thousand connections waiting at a listener of a thousand processes would be a million owners. Up to
// a multiple of the evidence all are told; beyond that each socket has its first ones.
class Budget {
 public:
  explicit Budget(std::size_t evidence) : left_(4 * evidence + kSmall) {}

  // True where one more owner may be added to those `already` there.
  bool allows(std::size_t already) {
    if (left_ > 0) --left_;
    else if (already >= kAlways) return false;
    return true;
  }

 private:
  static constexpr std::size_t kSmall = 100'000;  // whatever the evidence
  static constexpr std::size_t kAlways = 8;       // a socket; the rest are its listener's too
  std::size_t left_;
};

// Owners of one inode: each process and thread once for each way in which it holds it.
std::vector<Owner> owners_of(std::vector<Holding>::const_iterator begin, std::vector<Holding>::const_iterator end) {
  std::vector<Owner> owners;
  for (auto at = begin; at != end; ++at) {
    const auto tid = at->tid == 0 ? std::nullopt : std::optional<std::int64_t>(at->tid);
    if (owners.empty() || owners.back().process != at->process || owners.back().tid != tid || owners.back().via != at->via) {
      Owner owner;
      owner.process = at->process;
      owner.tid = tid;
      owner.via = at->via;
      owners.push_back(owner);
    }
    Owner& owner = owners.back();
    if (at->via == Via::mmap) continue;
    if (owner.fds.empty() || owner.fds.back() != at->fd) owner.fds.push_back(at->fd);
    if (at->via == Via::io_uring) owner.registered_files.push_back(at->place);
    if (at->pass != 0) owner.passes |= static_cast<std::uint8_t>(1u << (at->pass - 1));
  }
  for (Owner& owner : owners) {
    auto& places = owner.registered_files;
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
  }
  return owners;
}

void join_holders(const std::vector<Holding>& holdings, Budget& budget, model::Snapshot& snapshot) {
  std::vector<bool> is_used(holdings.size());  // by the first holding of an inode
  for (Socket& socket : snapshot.sockets) {
    if (!socket.inode) continue;
    const auto at = std::lower_bound(holdings.begin(), holdings.end(), *socket.inode,
                                     [](const Holding& holding, std::uint64_t inode) { return holding.inode < inode; });
    const auto first = static_cast<std::size_t>(at - holdings.begin());
    auto end = at;
    while (end != holdings.end() && end->inode == *socket.inode &&
           (!is_used[first] || budget.allows(static_cast<std::size_t>(end - at))))
      ++end;
    if (end == at) continue;
    is_used[first] = true;
    socket.owners = owners_of(at, end);
  }
}

void join_listeners(Budget& budget, model::Snapshot& snapshot) {
  const Listeners listeners(snapshot);
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    Socket& socket = snapshot.sockets[i];
    if (!may_wait_to_be_accepted(socket)) continue;
    const auto found = listeners.find_all(socket);
    std::vector<Owner> owners;
    std::size_t looked_at = 0;
    for (const std::uint32_t at : found) {
      if (at == i) continue;
      if (!budget.allows(looked_at++)) break;
      for (const Owner& from : snapshot.sockets[at].owners) {
        if (!budget.allows(owners.size())) break;
        Owner owner;
        owner.process = from.process;
        owner.tid = from.tid;
        owner.via = Via::listener;
        owner.certainty = found.size() > 1 ? std::max(from.certainty, model::Certainty::probable) : from.certainty;
        owners.push_back(std::move(owner));
      }
    }
    std::stable_sort(owners.begin(), owners.end(), [](const Owner& a, const Owner& b) {
      return std::tie(a.process, a.tid) < std::tie(b.process, b.tid);
    });
    // A process that holds the listener says it for its threads.
    owners.erase(std::unique(owners.begin(), owners.end(),
                             [](const Owner& a, const Owner& b) {
                               return a.process == b.process && (!a.tid || a.tid == b.tid);
                             }),
                 owners.end());
    socket.owners = std::move(owners);
  }
}

}  // namespace

void join_owners(const Records& records, model::Snapshot& snapshot) {
  const auto holdings = collect_holdings(records);
  Budget budget(snapshot.sockets.size() + holdings.size());
  join_holders(holdings, budget, snapshot);
  join_listeners(budget, snapshot);
}

}  // namespace ssnap::reconstruct
