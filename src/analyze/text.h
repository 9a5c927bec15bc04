// Text that is put together from many parts. Small where it is used: one call for each part, and no temporary strings.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ssnap::analyze {

struct Text {
  std::string bytes;

  Text& operator<<(std::string_view part);
  Text& operator<<(std::uint64_t number);
  // It would be taken for a number.
  template <std::same_as<char> Character>
  Text& operator<<(Character) = delete;
};

// A number to print with 0x before it.
struct Hex {
  std::uint64_t number;
};
Text& operator<<(Text& text, Hex hex);

// "1 socket", "2 sockets".
struct Count {
  std::uint64_t number;
  std::string_view singular, plural;
};
Text& operator<<(Text& text, const Count& count);

}  // namespace ssnap::analyze
