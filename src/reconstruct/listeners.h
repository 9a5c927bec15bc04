// Which listener a connection waits at.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "model/snapshot.h"

namespace ssnap::reconstruct {

bool is_tcp(const model::Socket& socket);
// A connection that no process has a descriptor of yet: it is complete and waits for its listener's accept().
bool may_wait_to_be_accepted(const model::Socket& socket);

// The listeners of a snapshot, found by a connection's local address or name. Valid while its sockets stay where they
// are; each look-up takes the same time, however many listeners there are.
class Listeners {
 public:
  explicit Listeners(const model::Snapshot& snapshot);

  // Indexes of those that the kernel may have chosen, ascending: several share an address with SO_REUSEPORT, or a path
  // that was bound again. Of this address before those of any address, of this device before those of any
  // (inet_lhash2_lookup, net/ipv4/inet_hashtables.c). For a UNIX connection the one that its listener's dump names.
  std::span<const std::uint32_t> find_all(const model::Socket& socket) const;
  // The first of them. Null where there is none.
  const model::Socket* find(const model::Socket& socket) const;

 private:
  const model::Snapshot& snapshot_;
  base::HashMap<std::string, std::vector<std::uint32_t>> by_address_;
  base::HashMap<std::string, std::vector<std::uint32_t>> by_name_;
  // Inode of a client, which the whole host has once: the connection is in the client's namespace, the listener may not be.
  base::HashMap<std::uint64_t, std::vector<std::uint32_t>> by_pending_;
};

}  // namespace ssnap::reconstruct
