// Cursors over untrusted text: lines of a file, words of a line, integers that must consume their whole field.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ssnap::base {

// The whole of `field` as an integer in `base` (no sign unless T is signed, no blanks, no prefix), or nullopt.
template <class T>
std::optional<T> parse_integer(std::string_view field, int base = 10) {
  T value{};
  const char* end = field.data() + field.size();
  const auto [stop, error] = std::from_chars(field.data(), end, value, base);
  if (field.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

struct Line {
  std::string_view text;     // without its newline
  std::uint64_t offset = 0;  // of its first byte
  bool complete = true;      // false: the file ended without a newline
};

enum class LineEnd {
  newline,
  as_first_line,  // "\r\n" where the first line ends so: a file that went through a system that writes them
};

// Splits a file at '\n'. The last piece without a newline comes as an incomplete line.
class LineReader {
 public:
  explicit LineReader(std::string_view text, LineEnd end = LineEnd::newline);
  std::optional<Line> next();

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
  bool drops_return_ = false;
};

// Of a line the words that are surely whole. In an incomplete one the last word may lack its end, unless blanks follow it.
std::string_view whole_words(const Line& line);

// Words of one line, separated by blanks or tabs.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {}

  std::size_t offset() const { return offset_; }
  // The next word, or nullopt at the end of the line.
  std::optional<std::string_view> word();
  template <class T>
  std::optional<T> decimal() {
    const auto field = word();
    return field ? parse_integer<T>(*field, 10) : std::nullopt;
  }
  template <class T>
  std::optional<T> hexadecimal() {
    const auto field = word();
    return field ? parse_integer<T>(*field, 16) : std::nullopt;
  }
  // Skips one byte if it is `expected`.
  bool skip(char expected);
  // Everything from here, blanks included.
  std::string_view rest() const { return text_.substr(offset_); }

 private:
  std::string_view text_;
  std::size_t offset_ = 0;
};

}  // namespace ssnap::base
