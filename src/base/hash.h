// Hash tables of keys that come from the input. Whoever makes an archive can read this program's source: of a hash that he
// can compute he would choose keys that all fall into one bucket, and each look-up would cost as much as there are keys.
// So the hash depends on numbers that he can't know, another at each run; nothing may depend on the order of such a table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>

namespace ssnap::base {

struct HashSecret {
  std::uint64_t seed = 0;
  std::uint64_t factor = 0;  // odd
};
// Of this run: where the system laid out its memory. The same at each run where the system doesn't vary that.
const HashSecret& hash_secret();

// Takes up a key word by word.
class Hasher {
 public:
  Hasher() : Hasher(hash_secret()) {}

  Hasher& add(std::uint64_t word) {
    // Both halves of a product with a number that is secret: no difference between two words has a known outcome.
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(state_ ^ word) * factor_;
    state_ = static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
    return *this;
  }
  Hasher& add(std::string_view bytes);

  std::size_t value() const { return static_cast<std::size_t>(state_); }

 private:
  explicit Hasher(const HashSecret& secret) : state_(secret.seed), factor_(secret.factor) {}

  std::uint64_t state_, factor_;
};

struct SeededHash {
  template <class Integer>
    requires std::is_integral_v<Integer>
  std::size_t operator()(Integer key) const {
    return Hasher().add(static_cast<std::uint64_t>(key)).value();
  }
  std::size_t operator()(std::string_view key) const { return Hasher().add(key).value(); }
  template <std::size_t words>
  std::size_t operator()(const std::array<std::uint64_t, words>& key) const {
    Hasher hasher;
    for (const std::uint64_t word : key) hasher.add(word);
    return hasher.value();
  }
};

template <class Key, class Value, class Hash = SeededHash>
using HashMap = std::unordered_map<Key, Value, Hash>;
template <class Key, class Hash = SeededHash>
using HashSet = std::unordered_set<Key, Hash>;

}  // namespace ssnap::base
