#include "render/escape.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "base/utf8.h"
#include "render/unicode_tables.h"

namespace ssnap::render {
namespace {

// No script needs more marks on one letter; a stack of hundreds paints over the lines above.
constexpr int kMaxMarksInARow = 4;

template <std::size_t N>
bool contains(const CodePointRange (&table)[N], std::uint32_t code_point) {
  const auto* row =
      std::lower_bound(std::begin(table), std::end(table), code_point,
                       [](const CodePointRange& range, std::uint32_t c) { return range.last < c; });
  return row != std::end(table) && row->first <= code_point;
}

// Of one column, and harmless everywhere.
constexpr bool is_plain(char c) { return c >= 0x20 && c < 0x7f; }

// How many bytes from the start on are plain, and none of `quote` and '\\'. Eight at a time: nearly all text is.
std::size_t plain_prefix(std::string_view text, char quote) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = kOnes << 7;
  const auto has_zero = [](std::uint64_t word) { return (word - kOnes) & ~word & kTops; };
  const std::uint64_t quotes = kOnes * static_cast<unsigned char>(quote), slashes = kOnes * '\\';
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    // Below 0x20; from 0x7f on; the two. A byte marks the next one wrongly only where it is marked itself.
    const std::uint64_t other = ((word - kOnes * 0x20) & ~word & kTops) | word | (word + kOnes);
    if (((other & kTops) | has_zero(word ^ quotes) | has_zero(word ^ slashes)) != 0) break;
  }
  while (at < text.size() && is_plain(text[at]) && text[at] != quote && text[at] != '\\') ++at;
  return at;
}

void append_hex(std::string& out, std::uint32_t value, int min_digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  int digits = min_digits;
  while (digits < 8 && value >> (4 * digits) != 0) ++digits;
  while (digits-- > 0) out += kDigits[value >> (4 * digits) & 0xf];
}

void append_byte_escape(std::string& out, char byte) {
  out += "\\x";
  append_hex(out, static_cast<unsigned char>(byte), 2);
}

std::string escape_text(std::string_view bytes, bool double_backslash) {
  std::string out;
  out.reserve(bytes.size());
  int marks = kMaxMarksInARow;  // at the start a mark would join what stands before the text
  while (!bytes.empty()) {
    const char first = bytes.front();
    if (is_plain(first)) {
      std::size_t plain = 1;
      if (first == '\\' && double_backslash) out += '\\';
      else while (plain < bytes.size() && is_plain(bytes[plain]) && bytes[plain] != '\\') ++plain;
      out += bytes.substr(0, plain);
      marks = 0;
      bytes.remove_prefix(plain);
      continue;
    }
    const auto code_point = base::decode_utf8(bytes);
    if (!code_point || code_point->value < 0x80) {
      append_byte_escape(out, first);
      marks = kMaxMarksInARow;
      bytes.remove_prefix(1);
      continue;
    }
    const bool mark = contains(kMarks, code_point->value);
    if (contains(kHidden, code_point->value) || (mark && marks >= kMaxMarksInARow)) {
      out += "\\u{";
      append_hex(out, code_point->value, 4);
      out += '}';
      marks = kMaxMarksInARow;
    } else {
      out += bytes.substr(0, code_point->length);
      marks = mark ? marks + 1 : 0;
    }
    bytes.remove_prefix(code_point->length);
  }
  return out;
}

}  // namespace

std::string escape_terminal(std::string_view bytes) {
  return escape_text(bytes, true);
}
std::string escape_tool(std::string_view bytes) {
  return escape_text(bytes, false);
}

std::string escape_json_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t plain = plain_prefix(bytes, '\\');
    out += bytes.substr(0, plain);
    bytes.remove_prefix(plain);
    if (bytes.empty()) break;
    const auto code_point = base::decode_utf8(bytes);
    const std::size_t length = code_point ? code_point->length : 1;
    if (!code_point)
      append_byte_escape(out, bytes.front());
    else if (code_point->value == '\\')
      out += "\\\\";
    else
      out += bytes.substr(0, length);
    bytes.remove_prefix(length);
  }
  return out;
}

bool is_json_plain(std::string_view text) { return plain_prefix(text, '"') == text.size(); }

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kShort = "\b\f\n\r\t\"\\", kLetters = "bfnrt\"\\";
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text, '"');
    out.append(text.data(), plain);
    if (plain == text.size()) return;
    text.remove_prefix(plain);
    // What is not ASCII passes, or is made visible.
    std::size_t other = 0;
    while (other < text.size() && static_cast<unsigned char>(text[other]) >= 0x7f) ++other;
    append_json_visible(out, text.substr(0, other));
    text.remove_prefix(other);
    if (other > 0) continue;
    const std::size_t at = kShort.find(text.front());
    out += '\\';
    if (at != std::string_view::npos) {
      out += kLetters[at];
    } else {
      out += 'u';
      append_hex(out, static_cast<unsigned char>(text.front()), 4);
    }
    text.remove_prefix(1);
  }
}

void append_json_visible(std::string& out, std::string_view json) {
  while (!json.empty()) {
    // Runs of plain ASCII, which is nearly all there is, are copied whole.
    std::size_t plain = 0;
    while (plain < json.size() && is_plain(json[plain])) ++plain;
    out += json.substr(0, plain);
    json.remove_prefix(plain);
    if (json.empty()) return;
    const auto code_point = base::decode_utf8(json);
    const std::size_t length = code_point ? code_point->length : 1;
    const std::uint32_t value = code_point ? code_point->value : static_cast<unsigned char>(json.front());
    if (!contains(kHidden, value)) {
      out += json.substr(0, length);
    } else if (value < 0x10000) {
      out += "\\u";
      append_hex(out, value, 4);
    } else {
      out += "\\u";
      append_hex(out, 0xd800 + ((value - 0x10000) >> 10), 4);
      out += "\\u";
      append_hex(out, 0xdc00 + ((value - 0x10000) & 0x3ff), 4);
    }
    json.remove_prefix(length);
  }
}

int display_width(std::string_view escaped) {
  int width = 0;
  while (!escaped.empty()) {
    // Nearly all there is.
    std::size_t plain = 0;
    while (plain < escaped.size() && is_plain(escaped[plain])) ++plain;
    width += static_cast<int>(plain);
    escaped.remove_prefix(plain);
    if (escaped.empty()) break;
    const auto code_point = base::decode_utf8(escaped);
    if (!code_point) {
      ++width;
      escaped.remove_prefix(1);
      continue;
    }
    if (contains(kWide, code_point->value))
      width += 2;
    else if (!contains(kMarks, code_point->value))
      ++width;
    escaped.remove_prefix(code_point->length);
  }
  return width;
}

}  // namespace ssnap::render
