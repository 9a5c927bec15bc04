#include "render/json_item.h"

#include <charconv>
#include <utility>

#include "base/clock.h"
#include "render/escape.h"

namespace ssnap::render {

JsonText::Depth JsonText::open(char begin, char end) {
  put(begin);
  open_.push_back({end, true});
  return open_.size() - 1;
}

void JsonText::go_on(Depth depth) {
  close_down_to(depth + 1);
  if (!open_[depth].is_empty) put(',');
  open_[depth].is_empty = false;
}

void JsonText::own_key(Depth depth, std::string_view name) {
  if (open_.size() > depth + 1) close_down_to(depth + 1);
  const bool first = std::exchange(open_[depth].is_empty, false);
  if (!fits_piece(name)) {
    text() += first ? "\"" : ",\"";
    text().append(name).append("\":");
    return;
  }
  char* at = room(name.size() + kMarks);
  *at = ',';
  if (!first) ++at;
  *at++ = '"';
  at += name.copy(at, name.size());
  *at++ = '"';
  *at++ = ':';
  used_to(at);
}

void JsonText::value(std::string_view word) {
  if (!fits_piece(word) || !is_json_plain(word)) {
    text() += '"';
    append_json_string(text(), word);
    text() += '"';
    return;
  }
  char* at = room(word.size() + kMarks);
  *at++ = '"';
  at += word.copy(at, word.size());
  *at++ = '"';
  used_to(at);
}

void JsonText::value(const json::value& any) { append_json_visible(text(), json::serialize(any)); }
void JsonText::flag(bool value) { text() += value ? "true" : "false"; }
void JsonText::signed_number(std::int64_t number) { digits(number); }
void JsonText::unsigned_number(std::uint64_t number) { digits(number); }

template <class T>
void JsonText::digits(T number) {
  constexpr std::size_t kMaxDigits = 20;
  char* at = room(kMaxDigits);
  used_to(std::to_chars(at, at + kMaxDigits, number).ptr);
}

void JsonText::close_down_to(std::size_t count) {
  for (; open_.size() > count; open_.pop_back()) put(open_.back().end);
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
  out_.put(':');
  return out_;
}

void Item::add_host_number(std::string_view name, std::uint64_t value) { host_key(escape_json_bytes(name)).value(value); }

void Item::word(std::string_view name, std::string_view value) { key(name).value(value); }
void Item::bytes(std::string_view name, std::string_view value) {
  if (is_json_plain(value)) word(name, value);
  else word(name, escape_json_bytes(value));
}

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
