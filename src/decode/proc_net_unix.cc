#include "decode/proc_net_unix.h"

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

// A 64-bit kernel's row without a path: how many rows to expect.
constexpr std::size_t kMinRowBytes = 54;
constexpr int kColumnsToInode = 7;

// Reads the next word as a number; on failure says what was expected there.
template <class T>
bool read_number(base::TextCursor& cursor, const base::Line& line, int number_base, std::string_view expected,
                 T& out, base::Problems& problems) {
  const auto field = cursor.word();
  const auto value = field ? base::parse_integer<T>(*field, number_base) : std::nullopt;
  if (value) {
    out = *value;
    return true;
  }
  problems.add(line.offset + cursor.offset() - (field ? field->size() : 0),
               expected_found(expected, field.value_or(std::string_view{}), "row skipped"));
  return false;
}

// 00000000f2f2b8c6: 00000002 00000000 00010000 0001 01  1596 /run/demo.sock
// Num (%pK)         RefCount Protocol Flags    Type St Inode Path
// False where the row can't be kept; that is then a problem.
bool read_row(const base::Line& line, ProcNetUnixRow& row, base::Problems& problems) {
  base::TextCursor cursor(line.text);
  row.offset = line.offset;
  // %pK prints a hash, zeros, or "(____ptrval____)" early after boot: only its colon is certain.
  const auto pointer = cursor.word();
  if (!pointer || pointer->back() != ':') {
    problems.add(line.offset, expected_found("Num, a pointer and ':'", pointer.value_or(std::string_view{}),
                                             "row skipped"));
    return false;
  }
  const std::string_view digits = pointer->substr(0, pointer->size() - 1);
  if (const auto number = base::parse_integer<std::uint64_t>(digits, 16); number && digits.size() <= 16) {
    row.pointer = *number;
    row.pointer_digits = static_cast<std::uint8_t>(digits.size());
  }
  std::uint32_t protocol = 0;  // always 0
  if (!read_number(cursor, line, 16, "RefCount, a hex word", row.ref_count, problems) ||
      !read_number(cursor, line, 16, "Protocol, a hex word", protocol, problems) ||
      !read_number(cursor, line, 16, "Flags, a hex word", row.flags, problems) ||
      !read_number(cursor, line, 16, "Type, two hex bytes", row.type, problems) ||
      !read_number(cursor, line, 16, "St, a hex byte", row.socket_state, problems) ||
      !read_number(cursor, line, 10, "Inode, a decimal number", row.inode, problems)) {
    return false;
  }
  // One blank, then the path to the end of the line, its own blanks included.
  if (cursor.skip(' ')) row.path = at_most(kMaxUnixNameBytes, cursor.rest(), "Path", line.offset + cursor.offset(), problems);
  return true;
}

// A row whose inode is followed by a blank has all that counts; of its path the end may be missing.
void read_unended_row(const base::Line& line, base::Decoded<ProcNetUnixRow>& decoded) {
  base::TextCursor cursor(line.text);
  for (int column = 0; column < kColumnsToInode; ++column) cursor.word();
  base::Problems ignored;
  ProcNetUnixRow row;
  const bool is_kept = cursor.skip(' ') && decoded.rows.size() < kMaxRows && read_row(line, row, ignored);
  add_unended(decoded.problems, line.offset, line.text, is_kept ? "last row kept, its Path may lack its end" : "last row skipped");
  if (is_kept) decoded.rows.push_back(std::move(row));
}

bool is_header(std::string_view line) {
  return base::TextCursor(line).word() == "Num";
}

}  // namespace

// unix_seq_show (net/unix/af_unix.c), Linux 2.6.18 to 6.18.
base::Decoded<ProcNetUnixRow> decode_proc_net_unix(std::string_view bytes) {
  base::Decoded<ProcNetUnixRow> decoded;
  decoded.rows.reserve(bytes.size() / kMinRowBytes);
  base::LineReader lines(bytes, base::LineEnd::as_first_line);
  while (const auto line = lines.next()) {
    if (!line->complete) {
      read_unended_row(*line, decoded);
      break;
    }
    // Only the first line: further down "Num" is part of a socket's name that holds a newline, and worth a
    // problem.
    if (line->offset == 0 && is_header(line->text)) continue;
    if (decoded.rows.size() == kMaxRows) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxRows) +
                                             " rows, found more; the rest is left out");
      break;
    }
    ProcNetUnixRow row;
    if (read_row(*line, row, decoded.problems)) decoded.rows.push_back(std::move(row));
  }
  return decoded;
}

}  // namespace ssnap::decode
