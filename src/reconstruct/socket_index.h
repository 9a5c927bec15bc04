// Sockets by what they are found by: an identity, an address pair.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/hash.h"

namespace ssnap::reconstruct {

// Addresses, ports, namespace and the like in as many words as that takes.
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
    if (sockets * 2 > slots_.size()) rehash(sockets * 2);
  }

  // Gives the first socket of the key: the one that is added, or one that was before.
  std::uint32_t add(const Key& key, std::uint32_t socket) {
    if ((lists_.size() + 1) * 2 > slots_.size()) rehash((lists_.size() + 1) * 4);
    const auto entry = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back({socket, kEnd});
    std::uint32_t& slot = slots_[place_of(key)];
    if (slot == kEnd) {
      slot = static_cast<std::uint32_t>(lists_.size());
      lists_.push_back({key, entry, entry});
      return socket;
    }
    List& list = lists_[slot];
    entries_[list.last].next = entry;
    list.last = entry;
    return entries_[list.first].socket;
  }

  std::optional<std::uint32_t> first(const Key& key) const {
    const List* list = find(key);
    return list ? std::optional(entries_[list->first].socket) : std::nullopt;
  }

  // Calls visit(socket) for those of `key` until it returns false.
  template <class Visit>
  void visit(const Key& key, const Visit& visit) const {
    const List* list = find(key);
    if (list == nullptr) return;
    for (std::uint32_t at = list->first; at != kEnd; at = entries_[at].next)
      if (!visit(entries_[at].socket)) return;
  }

  bool has(const Key& key) const { return find(key) != nullptr; }

  // Calls visit(key) for each key once, in the order in which they came.
  template <class Visit>
  void visit_keys(const Visit& visit) const {
    for (const List& list : lists_) visit(list.key);
  }

 private:
  static constexpr std::uint32_t kEnd = 0xffffffff;
  static constexpr std::size_t kFewSlots = 16;
  struct Entry {
    std::uint32_t socket, next;
  };
  struct List {
    Key key;
    std::uint32_t first, last;
  };

  // The slot of the key, or the empty one that it would have. There is one: half of them are.
  std::size_t place_of(const Key& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = base::SeededHash()(key) & mask;
    while (slots_[at] != kEnd && lists_[slots_[at]].key != key) at = (at + 1) & mask;
    return at;
  }
  const List* find(const Key& key) const {
    if (slots_.empty()) return nullptr;
    const std::uint32_t list = slots_[place_of(key)];
    return list == kEnd ? nullptr : &lists_[list];
  }
  void rehash(std::size_t at_least) {
    std::size_t size = kFewSlots;
    while (size < at_least) size *= 2;
    slots_.assign(size, kEnd);
    for (std::uint32_t i = 0; i < lists_.size(); ++i) slots_[place_of(lists_[i].key)] = i;
  }

  std::vector<std::uint32_t> slots_;  // index into lists_; as many as a power of two
  std::vector<List> lists_;
  std::vector<Entry> entries_;
};

}  // namespace ssnap::reconstruct
