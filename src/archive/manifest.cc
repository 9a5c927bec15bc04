#include "archive/manifest.h"

#include <algorithm>

#include "archive/tar.h"
#include "base/text_cursor.h"

namespace ssnap::archive {
namespace {

constexpr std::size_t kHexDigits = 64;

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string to_manifest_line(std::string_view sha256, std::string_view name) {
  std::string line(sha256);
  line += "  ";
  line += name;
  line += '\n';
  return line;
}

base::Decoded<ManifestLine> parse_manifest(std::string_view bytes) {
  base::Decoded<ManifestLine> out;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    const std::string_view text = line->text;
    if (!line->complete) {
      out.problems.add(line->offset, "the manifest ends inside a line");
      continue;
    }
    const bool formed = text.size() > kHexDigits + 2 && text.substr(kHexDigits, 2) == "  " &&
                        std::all_of(text.begin(), text.begin() + kHexDigits, is_lower_hex);
    if (!formed) {
      out.problems.add(line->offset, "not a manifest line (64 hexadecimal digits, two blanks, a name)");
      continue;
    }
    const std::string_view name = text.substr(kHexDigits + 2);
    if (const auto fault = name_fault(name)) {
      out.problems.add(line->offset, "a name in the manifest " + std::string(*fault));
      continue;
    }
    out.rows.push_back({text.substr(0, kHexDigits), name, line->offset});
  }
  return out;
}

}  // namespace ssnap::archive
