#include "base/hash.h"

#include <cstring>
#include <memory>

namespace ssnap::base {
namespace {

// splitmix64: its outputs tell nothing of each other to those who don't know the state.
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t value = state += 0x9e3779b97f4a7c15;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

HashSecret make_secret() {
  const int on_stack = 0;
  const auto on_heap = std::make_unique<int>(0);
  std::uint64_t state = 0;
  for (const void* place : {static_cast<const void*>(&on_stack), static_cast<const void*>(on_heap.get())}) {
    std::uintptr_t address = 0;
    std::memcpy(&address, &place, sizeof address);
    state ^= address;
    state = next(state);
  }
  const std::uint64_t seed = next(state);
  return {seed, next(state) | 1u};
}

}  // namespace

const HashSecret& hash_secret() {
  static const HashSecret secret = make_secret();
  return secret;
}

Hasher& Hasher::add(std::string_view bytes) {
  add(std::uint64_t{bytes.size()});
  while (!bytes.empty()) {
    std::uint64_t word = 0;
    const std::size_t taken = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), taken);
    add(word);
    bytes.remove_prefix(taken);
  }
  return *this;
}

}  // namespace ssnap::base
