// The seal: a skippable zstd frame at the very end of the file with the SHA-256 of every byte before it. Other tools
// pass over it. docs/adr/0001 says why it is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ssnap::archive {

struct Seal {
  std::uint64_t bytes = 0;  // how many precede the seal
  std::string sha256;       // theirs, 64 lower-case hexadecimal digits
};

// The whole skippable frame.
std::string to_frame(const Seal& seal);

// The seal whose frame begins at `bytes` and fills it exactly; nullopt for anything else, down to the last digit.
std::optional<Seal> parse_seal(std::string_view bytes);

// Where the seal that ends the file begins, if it ends with the frame of one; its values aren't checked.
std::optional<std::size_t> find_seal(std::string_view file);

}  // namespace ssnap::archive
