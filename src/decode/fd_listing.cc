#include "decode/fd_listing.h"

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {

// lrwx------ 1 root root 64 Nov 22 08:54 3 -> socket:[1596]
// A link that ls could not read has no arrow.
base::Decoded<LinkRecord> decode_fd_listing(std::string_view bytes) {
  constexpr std::string_view kArrow = " -> ", kTotal = "total ";
  constexpr int kEacces = 13;
  base::Decoded<LinkRecord> decoded;
  base::LineReader lines(bytes, base::LineEnd::as_first_line);
  while (const auto line = lines.next()) {
    if (line->text.empty() || line->text.starts_with(kTotal)) continue;
    if (decoded.rows.size() == kMaxRows) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxRows) + " links, found more; the rest is left out");
      break;
    }
    const std::size_t arrow = line->text.find(kArrow);
    const std::string_view before = line->text.substr(0, arrow);
    LinkRecord record;
    record.offset = line->offset;
    record.name = before.substr(before.rfind(' ') + 1);
    if (arrow != std::string_view::npos) record.target = line->text.substr(arrow + kArrow.size());
    else record.errno_number = kEacces;
    // Cut in the number of an inode, it would be another one's.
    const bool is_whole = line->complete || line->text.ends_with(']');
    if (line->text[0] != 'l' || !base::parse_integer<std::uint32_t>(record.name) || !is_whole) {
      decoded.problems.add(line->offset, expected_found("a link as ls -l prints it", line->text, "line skipped"));
      continue;
    }
    decoded.rows.push_back(record);
  }
  return decoded;
}

}  // namespace ssnap::decode
