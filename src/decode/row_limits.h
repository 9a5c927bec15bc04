// The limit that the decoders of tables share.
#pragma once

#include <cstddef>

namespace ssnap::decode {

// Rows of one member. More sockets than any host can hold in one table (a TCP socket costs the kernel over 2
// KiB, so this many would be 32 GiB of them): beyond it a member is damaged or made up, and the rest is a
// problem, not memory.
constexpr std::size_t kMaxRows = std::size_t{1} << 24;

}  // namespace ssnap::decode
