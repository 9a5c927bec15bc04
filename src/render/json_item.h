// One JSON object in the making, for the files that make the formats json and ndjson.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "render/escape.h"

namespace ssnap::render {

namespace json = boost::json;

// Digits of the fraction in every time.
constexpr int kTimeDigits = 3;

// One object in the making. What is absent gets no key.
class Item {
 public:
  explicit Item(json::object& object) : object_(object) {}

  template <class T>
  void number(json::string_view key, const T& value) {
    object_.emplace(key, value);
  }
  template <class T>
  void number(json::string_view key, const std::optional<T>& value) {
    if (value) object_.emplace(key, *value);
  }
  void flag(json::string_view key, bool value) { object_.emplace(key, value); }
  void flag_if_set(json::string_view key, bool value) {
    if (value) flag(key, true);
  }
  // A name of ours: needs no escape.
  void word(json::string_view key, std::string_view value) {
    object_.emplace(key, json::string_view(value.data(), value.size()));
  }
  // Bytes of the host.
  void bytes(json::string_view key, std::string_view value) {
    object_.emplace(key, escape_json_bytes(value));
  }
  void word_unless_empty(json::string_view key, std::string_view value) {
    if (!value.empty()) word(key, value);
  }
  void bytes_if(json::string_view key, const std::optional<std::string>& value) {
    if (value) bytes(key, *value);
  }
  void bytes_unless_empty(json::string_view key, std::string_view value) {
    if (!value.empty()) bytes(key, value);
  }
  void time(json::string_view key, const std::optional<std::int64_t>& realtime_nsec) {
    if (realtime_nsec) word(key, base::rfc3339_utc(*realtime_nsec, kTimeDigits));
  }
  void byte_strings(json::string_view key, const std::vector<std::string>& values) {
    auto& out = list(key);
    out.reserve(values.size());
    for (const auto& value : values) out.emplace_back(escape_json_bytes(value));
  }
  template <class T>
  void numbers(json::string_view key, const std::vector<T>& values) {
    auto& out = list(key);
    out.reserve(values.size());
    for (const auto value : values) out.emplace_back(value);
  }
  void add_all(const json::object& other) {
    for (const auto& [key, value] : other) object_.emplace(key, value);
  }
  json::array& list(json::string_view key) {
    return object_.emplace(key, json::array(object_.storage())).first->value().get_array();
  }
  Item item(json::string_view key) {
    return Item(object_.emplace(key, json::object(object_.storage())).first->value().get_object());
  }

 private:
  json::object& object_;
};

inline Item add_item(json::array& list) {
  list.emplace_back(json::object(list.storage()));
  return Item(list.back().get_object());
}

}  // namespace ssnap::render
