#include "base/text_cursor.h"

namespace ssnap::base {

std::optional<Line> LineReader::next() {
  if (offset_ >= text_.size()) return std::nullopt;
  const std::size_t end = text_.find('\n', offset_);
  Line line;
  line.offset = offset_;
  line.complete = end != std::string_view::npos;
  line.text = text_.substr(offset_, line.complete ? end - offset_ : std::string_view::npos);
  offset_ = line.complete ? end + 1 : text_.size();
  return line;
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
