#include "decode/describe.h"

#include <algorithm>

namespace ssnap::decode {
namespace {

// Enough to recognise a field; a hostile one can't fill the report.
constexpr std::size_t kMaxBytesShown = 16;

}  // namespace

std::string describe_bytes(std::string_view found) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (found.empty()) return "nothing";
  std::string out = std::to_string(found.size());
  out += found.size() == 1 ? " byte (" : " bytes (";
  const std::size_t shown = std::min(found.size(), kMaxBytesShown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto byte = static_cast<unsigned char>(found[i]);
    if (i != 0) out += ' ';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  if (shown < found.size()) out += " ...";
  out += ')';
  return out;
}

std::string expected_found(std::string_view expected, std::string_view found, std::string_view kept) {
  std::string out = "expected ";
  out += expected;
  out += ", found ";
  out += describe_bytes(found);
  out += "; ";
  out += kept;
  return out;
}

void add_unended(base::Problems& problems, std::uint64_t offset, std::string_view found, std::string_view kept) {
  problems.add(offset, expected_found("a newline at the end of the file", found, kept));
}

std::string_view at_most(std::size_t bytes, std::string_view text, std::string_view what, std::uint64_t offset,
                         base::Problems& problems) {
  if (text.size() <= bytes) return text;
  problems.add(offset, std::string(what) + ": expected at most " + std::to_string(bytes) + " bytes, found " +
                           std::to_string(text.size()) + "; the rest is left out");
  return text.substr(0, bytes);
}

}  // namespace ssnap::decode
