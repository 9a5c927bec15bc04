// What the decoders of text tables share: lines into rows, words of a row into fields, and the problem with
// the first word that isn't what it should be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/problem.h"
#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {

// Unsigned in the kernel, yet printed as %d: a value above 2^31 comes out negative.
inline std::optional<std::uint32_t> parse_int_as_u32(std::string_view field) {
  if (const auto value = base::parse_integer<std::uint32_t>(field)) return value;
  const auto negative = base::parse_integer<std::int32_t>(field);
  return negative ? std::optional<std::uint32_t>(static_cast<std::uint32_t>(*negative)) : std::nullopt;
}

// %pK prints a hash, zeros, or "(____ptrval____)" early after boot: what is no number is 0.
inline std::optional<std::uint64_t> parse_pointer(std::string_view field) {
  return base::parse_integer<std::uint64_t>(field, 16).value_or(0);
}

// The words of one line. Each call takes the next word; false, and a problem, where it isn't what was
// expected. The row is then to be skipped.
class RowReader {
 public:
  RowReader(const base::Line& line, base::Problems& problems)
      : cursor_(line.text), offset_(line.offset), problems_(problems) {}

  bool word(std::string_view expected, std::string_view& out) {
    const auto field = cursor_.word();
    if (!field) return fail(expected, {});
    out = *field;
    return true;
  }
  bool skip(std::string_view expected) {
    std::string_view ignored;
    return word(expected, ignored);
  }
  template <class T>
  bool number(std::string_view expected, T& out, int number_base = 10) {
    return take(expected, out,
                [number_base](std::string_view field) { return base::parse_integer<T>(field, number_base); });
  }
  bool int_as_u32(std::string_view expected, std::uint32_t& out) {
    return take(expected, out, parse_int_as_u32);
  }
  // `parse(field)` gives an optional.
  template <class T, class Parse>
  bool take(std::string_view expected, T& out, Parse parse) {
    const auto field = cursor_.word();
    if (!field) return fail(expected, {});
    auto value = parse(*field);
    if (!value) return fail(expected, *field);
    out = std::move(*value);
    return true;
  }
  // The next word if there is one.
  std::optional<std::string_view> next() { return cursor_.word(); }
  // A problem with the word that was taken last ("" where the line had ended); always false.
  bool fail(std::string_view expected, std::string_view found) {
    problems_.add(offset_ + cursor_.offset() - found.size(), expected_found(expected, found, "row skipped"));
    return false;
  }
  // Where the word that was taken last begins, in the member.
  std::uint64_t offset_of(std::string_view taken) const { return offset_ + cursor_.offset() - taken.size(); }

 private:
  base::TextCursor cursor_;
  std::uint64_t offset_;
  base::Problems& problems_;
};

// Of the last line of a table that ends without a newline: it was cut there, or whoever copied it left the newline out.
// `read_line(line, decoded)` gets what is whole of it; what it adds is kept. Always a problem.
template <class Row, class ReadLine>
void read_unended_line(base::Line line, base::Decoded<Row>& decoded, ReadLine read_line) {
  // What is wrong with the rest of the line is said by one message.
  base::Problems problems = std::move(decoded.problems);
  const std::string_view text = line.text;
  const std::size_t rows = decoded.rows.size();
  line.text = base::whole_words(line);
  if (rows < kMaxRows) read_line(line, decoded);
  add_unended(problems, line.offset, text, decoded.rows.size() > rows ? "last row kept but for its last word" : "last row skipped");
  decoded.problems = std::move(problems);
}

// Calls `read_line(line, decoded)` for each line, but for those whose first word is `header` ("": no header): in files that
// were put together it stands further down too. What it adds to decoded.rows is limited to kMaxRows.
template <class Row, bool keeps_unended = false, class ReadLine>
base::Decoded<Row> decode_lines(std::string_view bytes, std::string_view header, ReadLine read_line) {
  base::Decoded<Row> decoded;
  base::LineReader lines(bytes, base::LineEnd::as_first_line);
  while (const auto line = lines.next()) {
    if (!line->complete) {
      if constexpr (keeps_unended) read_unended_line(*line, decoded, read_line);
      else add_unended(decoded.problems, line->offset, line->text, "last row skipped");
      break;
    }
    if (!header.empty() && base::TextCursor(line->text).word() == header) continue;
    if (decoded.rows.size() >= kMaxRows) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxRows) +
                                             " rows, found more; the rest is left out");
      break;
    }
    read_line(*line, decoded);
  }
  return decoded;
}

// The usual case: a row a line. `read_row(reader, row)` is false where the row can't be kept.
template <class Row, class ReadRow>
base::Decoded<Row> decode_rows(std::string_view bytes, std::string_view header, ReadRow read_row) {
  return decode_lines<Row, true>(bytes, header, [read_row](const base::Line& line, base::Decoded<Row>& decoded) {
    RowReader reader(line, decoded.problems);
    Row row;
    row.offset = line.offset;
    if (read_row(reader, row)) decoded.rows.push_back(std::move(row));
  });
}

}  // namespace ssnap::decode
