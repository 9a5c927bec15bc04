#include "reconstruct/socket_index.h"

#include <memory>

namespace ssnap::reconstruct {

std::uint64_t hash_secret() {
  // Stack and heap lie elsewhere in each run.
  const int on_stack = 0;
  const auto on_heap = std::make_unique<int>();
  std::uint64_t secret = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&on_stack)) * 0xc2b2ae3d27d4eb4fu;
  secret ^= secret >> 31;
  secret = (secret ^ static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(on_heap.get()))) * 0x165667b19e3779f9u;
  return (secret ^ secret >> 29) | 1;
}

}  // namespace ssnap::reconstruct
