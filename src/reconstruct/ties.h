// What the searches for the other end share: an index of sockets, and the ties that they find.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "reconstruct/records.h"

namespace ssnap::reconstruct {

// Of sockets that can't be told apart (the same address pair in several namespaces, SO_REUSEPORT) so many are tied.
constexpr std::size_t kMaxAlternatives = 16;

// What a socket is found by: addresses, ports, namespace and the like in as many words as that takes.
template <std::size_t words>
using SocketKey = std::array<std::uint64_t, words>;

// Sockets by key, those of one key in the order in which they were added.
template <std::size_t words>
class SocketIndex {
 public:
  using Key = SocketKey<words>;

  void reserve(std::size_t sockets) {
    lists_.reserve(sockets);
    entries_.reserve(sockets);
  }

  void add(const Key& key, std::uint32_t socket) {
    const auto entry = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({socket, kEnd});
    const auto [at, is_new] = lists_.emplace(key, List{entry, entry});
    if (is_new) return;
    entries_[at->second.last].next = entry;
    at->second.last = entry;
  }

  // Calls visit(socket) for those of `key` until it returns false.
  template <class Visit>
  void visit(const Key& key, const Visit& visit) const {
    const auto list = lists_.find(key);
    if (list == lists_.end()) return;
    for (std::uint32_t at = list->second.first; at != kEnd; at = entries_[at].next)
      if (!visit(entries_[at].socket)) return;
  }

  bool has(const Key& key) const { return lists_.count(key) != 0; }

  // Calls visit(key) for each key once, in no order.
  template <class Visit>
  void visit_keys(const Visit& visit) const {
    for (const auto& [key, list] : lists_) visit(key);
  }

 private:
  static constexpr std::uint32_t kEnd = 0xffffffff;
  struct Entry {
    std::uint32_t socket, next;
  };
  struct List {
    std::uint32_t first, last;
  };
  base::HashMap<Key, List> lists_;
  std::vector<Entry> entries_;
};

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
