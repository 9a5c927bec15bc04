// What the searches for the other end share: the ties that they find.
#pragma once

#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "reconstruct/records.h"
#include "reconstruct/socket_index.h"

namespace ssnap::reconstruct {

// Of sockets that can't be told apart (the same address pair in several namespaces, SO_REUSEPORT) so many are tied.
constexpr std::size_t kMaxAlternatives = 16;

// Fills Socket::links, always in both directions.
class Ties {
 public:
  explicit Ties(model::Snapshot& snapshot) : snapshot_(snapshot), tied_(snapshot.sockets.size()) {}

  // `to` is the `tie` of `from`: its peer, server, listener or parent.
  void add(std::uint32_t from, std::uint32_t to, model::Tie tie, model::Certainty certainty);
  bool is_tied(std::uint32_t socket) const { return tied_[socket]; }
  // The order of Socket::links, each tie once with the best certainty that was found for it.
  void sort();

 private:
  model::Snapshot& snapshot_;
  std::vector<bool> tied_;
};

// False for two sockets of which one was gone when the other came.
bool coexist(const model::Socket& a, const model::Socket& b);

// peers_inet.cc: connections with both ends here, and UDP clients whose server is not connected.
void tie_inet(const Records& records, const model::Snapshot& snapshot, Ties& ties);
// peers_unix.cc; fills Socket::peer_name too.
void tie_unix(model::Snapshot& snapshot, Ties& ties);

}  // namespace ssnap::reconstruct
