// How processes are related: by descent, and by the UNIX sockets between them.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "model/snapshot.h"

namespace ssnap::reconstruct {

// The process tree. A parent that started after its child is another process that got the pid, and no parent.
class Kinship {
 public:
  explicit Kinship(const model::Snapshot& snapshot);

  // The one that stat names: for a child of one that ended, init or a subreaper.
  std::optional<std::uint32_t> parent(std::uint32_t process) const;
  // `process` and its descendants are those p with begin(process) <= begin(p) < end(process). A child whose parent ended
  // is still below the leader of its session: a session is only ever left for a new one.
  std::uint32_t begin(std::uint32_t process) const { return begin_[process]; }
  std::uint32_t end(std::uint32_t process) const { return end_[process]; }

 private:
  std::vector<std::uint32_t> parent_, begin_, end_;
};

// Whether a descriptor could have been passed between two processes: a UNIX socket of the one is tied to one of the other.
class Channels {
 public:
  explicit Channels(const model::Snapshot& snapshot);

  // A way other than through `socket` itself. Costs little however often it is asked.
  bool connect(std::uint32_t a, std::uint32_t b, std::uint32_t socket);

 private:
  using Ends = std::pair<std::uint32_t, std::uint32_t>;  // sockets
  const std::vector<Ends>& between(std::uint32_t a, std::uint32_t b);

  const model::Snapshot& snapshot_;
  std::vector<std::vector<std::uint32_t>> unix_sockets_;  // that are tied to others, by process
  base::HashMap<std::uint64_t, std::vector<Ends>> known_;
};

// True for a holder by its own or a thread's fd table: what fork() copies and SCM_RIGHTS fills.
inline bool holds_by_table(const model::Owner& owner) {
  return owner.via == model::Via::fd || owner.via == model::Via::thread_fd;
}

}  // namespace ssnap::reconstruct
