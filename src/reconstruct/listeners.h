// Which listener a connection waits at.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "model/snapshot.h"

namespace ssnap::reconstruct {

bool is_tcp(const model::Socket& socket);

// The listeners of a snapshot, found by a connection's local address. Valid while its sockets stay where they are.
class Listeners {
 public:
  explicit Listeners(const model::Snapshot& snapshot);

  // The most exact one: of this address before those of any address. Null where there is none.
  const model::Socket* find(const model::Socket& socket) const;

 private:
  const model::Snapshot& snapshot_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> by_port_;
  std::multimap<std::pair<std::uint32_t, std::string>, std::uint32_t> by_name_;
};

}  // namespace ssnap::reconstruct
