#include "base/text_cursor.h"

namespace ssnap::base {

LineReader::LineReader(std::string_view text, LineEnd end) : text_(text) {
  const std::size_t first = end == LineEnd::as_first_line ? text.find('\n') : std::string_view::npos;
  drops_return_ = first != std::string_view::npos && first > 0 && text[first - 1] == '\r';
}

std::optional<Line> LineReader::next() {
  if (offset_ >= text_.size()) return std::nullopt;
  const std::size_t end = text_.find('\n', offset_);
  Line line;
  line.offset = offset_;
  line.complete = end != std::string_view::npos;
  line.text = text_.substr(offset_, line.complete ? end - offset_ : std::string_view::npos);
  offset_ = line.complete ? end + 1 : text_.size();
  if (drops_return_ && line.text.ends_with('\r')) line.text.remove_suffix(1);
  return line;
}

std::string_view whole_words(const Line& line) {
  if (line.complete) return line.text;
  const std::size_t last_blank = line.text.find_last_of(" \t");
  return line.text.substr(0, last_blank == std::string_view::npos ? 0 : last_blank + 1);
}

std::optional<std::string_view> TextCursor::word() {
  while (offset_ < text_.size() && (text_[offset_] == ' ' || text_[offset_] == '\t')) ++offset_;
  const std::size_t begin = offset_;
  while (offset_ < text_.size() && text_[offset_] != ' ' && text_[offset_] != '\t') ++offset_;
  if (begin == offset_) return std::nullopt;
  return text_.substr(begin, offset_ - begin);
}

bool TextCursor::skip(char expected) {
  if (offset_ >= text_.size() || text_[offset_] != expected) return false;
  ++offset_;
  return true;
}

}  // namespace ssnap::base
