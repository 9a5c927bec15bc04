// Strict UTF-8, for the escapers: kernel strings are bytes and may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ssnap::base {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 1;  // in bytes
};

// The code point at the start of `text` (which must not be empty): shortest form, no surrogates, at most U+10FFFF.
// nullopt where the first byte doesn't begin one; that byte is then to be escaped on its own.
std::optional<CodePoint> decode_utf8(std::string_view text);

}  // namespace ssnap::base
