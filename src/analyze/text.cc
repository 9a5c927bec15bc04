#include "analyze/text.h"

namespace ssnap::analyze {

Text& Text::operator<<(std::string_view part) {
  bytes.append(part);
  return *this;
}

Text& Text::operator<<(std::uint64_t number) { return *this << std::to_string(number); }

Text& operator<<(Text& text, Hex hex) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  int shift = 60;
  while (shift > 0 && (hex.number >> shift) == 0) shift -= 4;
  text << "0x";
  for (; shift >= 0; shift -= 4) text.bytes += kDigits[hex.number >> shift & 0xf];
  return text;
}

Text& operator<<(Text& text, const Count& count) { return text << count.number << " " << (count.number == 1 ? count.singular : count.plural); }

}  // namespace ssnap::analyze
