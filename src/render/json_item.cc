#include "render/json_item.h"

#include <charconv>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "render/escape.h"

namespace ssnap::render {
namespace {

template <class T>
void append(std::string& text, T number) {
  char digits[24];
  text.append(digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits));
}

}  // namespace

JsonText::Depth JsonText::open(char begin, char end) {
  text += begin;
  open_.push_back({end, true});
  return open_.size() - 1;
}

void JsonText::go_on(Depth depth) {
  close_down_to(depth + 1);
  if (!open_[depth].is_empty) text += ',';
  open_[depth].is_empty = false;
}

void JsonText::own_key(Depth depth, std::string_view name) {
  if (open_.size() > depth + 1) close_down_to(depth + 1);
  const bool first = std::exchange(open_[depth].is_empty, false);
  // In one piece: keys are half of the text.
  constexpr std::size_t kPiece = 64, kMarks = 4;
  char piece[kPiece];
  char* end = piece;
  if (!first) *end++ = ',';
  *end++ = '"';
  if (name.size() <= kPiece - kMarks) {
    std::memcpy(end, name.data(), name.size());
    end += name.size();
  } else {
    text.append(piece, static_cast<std::size_t>(std::exchange(end, piece) - piece));
    text.append(name);
  }
  *end++ = '"';
  *end++ = ':';
  text.append(piece, static_cast<std::size_t>(end - piece));
}

void JsonText::value(std::string_view word) {
  text += '"';
  append_json_string(text, word);
  text += '"';
}

void JsonText::value(const json::value& any) { append_json_visible(text, json::serialize(any)); }
void JsonText::flag(bool value) { text += value ? "true" : "false"; }
void JsonText::signed_number(std::int64_t number) { append(text, number); }
void JsonText::unsigned_number(std::uint64_t number) { append(text, number); }

void JsonText::close_down_to(std::size_t count) {
  for (; open_.size() > count; open_.pop_back()) text += open_.back().end;
}

JsonText& List::next() {
  out_.go_on(depth_);
  ++size_;
  return out_;
}

List List::list() {
  next();
  return {out_, out_.open('[', ']')};
}

JsonText& Item::key(std::string_view name) {
  out_.own_key(depth_, name);
  return out_;
}

JsonText& Item::host_key(std::string_view name) {
  out_.go_on(depth_);
  out_.value(name);
  out_.text += ':';
  return out_;
}

void Item::add_host_number(std::string_view name, std::uint64_t value) { host_key(escape_json_bytes(name)).value(value); }

void Item::word(std::string_view name, std::string_view value) { key(name).value(value); }
void Item::bytes(std::string_view name, std::string_view value) { word(name, escape_json_bytes(value)); }

void Item::word_unless_empty(std::string_view name, std::string_view value) {
  if (!value.empty()) word(name, value);
}

void Item::bytes_if(std::string_view name, const std::optional<std::string>& value) {
  if (value) bytes(name, *value);
}

void Item::bytes_unless_empty(std::string_view name, std::string_view value) {
  if (!value.empty()) bytes(name, value);
}

void Item::time(std::string_view name, const std::optional<std::int64_t>& realtime_nsec) {
  if (realtime_nsec) word(name, base::rfc3339_utc(*realtime_nsec, kTimeDigits));
}

void Item::byte_strings(std::string_view name, const std::vector<std::string>& values) {
  List out = list(name);
  for (const auto& value : values) out.add(escape_json_bytes(value));
}

void Item::numbers(std::string_view name, std::span<const std::uint32_t> values) {
  List out = list(name);
  for (const auto value : values) out.add(value);
}

void Item::numbers(std::string_view name, std::span<const std::int64_t> values) {
  List out = list(name);
  for (const auto value : values) out.add(value);
}

void Item::add_all(const json::object& other) {
  for (const auto& [name, value] : other) host_key({name.data(), name.size()}).value(value);
}

List Item::list(std::string_view name) {
  key(name);
  return {out_, out_.open('[', ']')};
}

Item Item::item(std::string_view name) {
  key(name);
  return Item(out_);
}

Item add_item(List& list) { return Item(list.next()); }

}  // namespace ssnap::render
