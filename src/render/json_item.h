// JSON text in the making, for the files that make the formats json and ndjson.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace ssnap::render {

namespace json = boost::json;

// Digits of the fraction in every time.
constexpr int kTimeDigits = 3;

// The text, and the objects and lists in it that are still open. Going on with an outer one closes those within.
class JsonText {
 public:
  // What is open, by how many are around it.
  using Depth = std::size_t;

  Depth open(char begin, char end);
  void close_all() { close_down_to(0); }
  // Before the next value of a list, or the next key of an object.
  void go_on(Depth depth);
  // Both at once, for a key of our own, which needs no escape.
  void own_key(Depth depth, std::string_view name);
  void value(std::string_view word);
  template <class T>
    requires std::is_arithmetic_v<T>
  void value(T number) {
    if constexpr (std::is_same_v<T, bool>) flag(number);
    else if constexpr (std::is_signed_v<T>) signed_number(number);
    else unsigned_number(number);
  }
  void value(const json::value& any);

  // All that there is so far. To add to it by hand, or to take it.
  std::string& text() {
    text_.append(piece_, std::exchange(used_, 0));
    return text_;
  }

 private:
  friend class Item;
  // Keys and most values are a few bytes: they are gathered, and appended many at a time.
  char* room(std::size_t size) {
    if (size > sizeof piece_ - used_) text();
    return piece_ + used_;
  }
  void used_to(const char* end) { used_ = static_cast<std::size_t>(end - piece_); }
  void put(char c) {
    *room(1) = c;
    ++used_;
  }
  static bool fits_piece(std::string_view word) { return word.size() <= kPiece - kMarks; }

  struct Open {
    char end;
    bool is_empty;
  };
  void close_down_to(std::size_t count);
  void flag(bool value);
  void signed_number(std::int64_t number);
  void unsigned_number(std::uint64_t number);
  template <class T>
  void digits(T number);

  std::vector<Open> open_;
  std::string text_;
  static constexpr std::size_t kPiece = 2048, kMarks = 4;  // quotes, comma, colon
  char piece_[kPiece];
  std::size_t used_ = 0;
};

class Item;

// One list in the making.
class List {
 public:
  List(JsonText& out, JsonText::Depth depth) : out_(out), depth_(depth) {}

  template <class T>
  void add(const T& value) {
    next().value(value);
  }
  List list();
  std::size_t size() const { return size_; }

 private:
  friend class Item;
  friend Item add_item(List& list);
  JsonText& next();

  JsonText& out_;
  JsonText::Depth depth_;
  std::size_t size_ = 0;
};

// One object in the making. Its keys are words of ours, which need no escape (but those of add_host_number and add_all). What is
// absent gets no key. An object or list in it is complete before its next key is added.
class Item {
 public:
  explicit Item(JsonText& out) : out_(out), depth_(out.open('{', '}')) {}

  template <class T>
  void number(std::string_view name, const T& value) {
    key(name).value(value);
  }
  template <class T>
  void number(std::string_view name, const std::optional<T>& value) {
    if (value) number(name, *value);
  }
  // A number under a name that the host gave.
  void add_host_number(std::string_view name, std::uint64_t value);
  void flag(std::string_view name, bool value) { number(name, value); }
  void flag_if_set(std::string_view name, bool value) {
    if (value) flag(name, true);
  }
  // A name of ours: needs no escape.
  void word(std::string_view name, std::string_view value);
  // Bytes of the host.
  void bytes(std::string_view name, std::string_view value);
  void word_unless_empty(std::string_view name, std::string_view value);
  void bytes_if(std::string_view name, const std::optional<std::string>& value);
  void bytes_unless_empty(std::string_view name, std::string_view value);
  void time(std::string_view name, const std::optional<std::int64_t>& realtime_nsec);
  void byte_strings(std::string_view name, const std::vector<std::string>& values);
  void numbers(std::string_view name, std::span<const std::uint32_t> values);
  void numbers(std::string_view name, std::span<const std::int64_t> values);
  void add_all(const json::object& other);
  List list(std::string_view name);
  Item item(std::string_view name);

 private:
  JsonText& key(std::string_view name);
  JsonText& host_key(std::string_view name);

  JsonText& out_;
  JsonText::Depth depth_;
};

Item add_item(List& list);

}  // namespace ssnap::render
