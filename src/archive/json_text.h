// JSON for the archive's own files: written to be read by eye, and read back as hostile input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.h"

namespace ssnap::archive {

// JSON strings are Unicode, the host's are bytes: a backslash is doubled and a byte that is no UTF-8 becomes \xNN,
// inside the string's value.
std::string escape_bytes(std::string_view bytes);
// nullopt where a backslash is followed by anything else.
std::optional<std::string> unescape_bytes(std::string_view text);

// Objects with one member a line, indented; arrays on one line where they hold no objects. Ends with a newline.
std::string to_pretty_json(const boost::json::value& value);

// The whole of `bytes` must be one object, of at most `max_bytes`, with at most `max_fields` members in it and all within
// it, and kMaxJsonDepth levels.
base::Result<boost::json::object> parse_json_object(std::string_view bytes, std::size_t max_bytes, std::size_t max_fields);

// Reads the fields of one object and keeps the first complaint: read all fields, then ask for the error once.
class FieldReader {
 public:
  // `where` names the object in messages ("host"); "" for the outermost.
  FieldReader(const boost::json::object& object, std::string_view where, std::optional<base::Error>& error)
      : object_(object), where_(where), error_(error) {}

  std::string text(std::string_view name);  // required
  std::optional<std::string> optional_text(std::string_view name);
  std::int64_t integer(std::string_view name, std::int64_t least, std::int64_t most);  // required
  std::optional<std::int64_t> optional_integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::uint64_t count(std::string_view name);  // required
  std::optional<std::uint64_t> optional_count(std::string_view name);
  // nullptr, and an error, where it is absent or of another kind.
  const boost::json::object* object(std::string_view name);
  const boost::json::array* array(std::string_view name);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Complains: "host.clk_tck: WHAT".
  void fail(std::string_view name, std::string_view what);
  void missing(std::string_view name) { fail(name, "is missing"); }

 private:
  const boost::json::value* find(std::string_view name) const { return object_.if_contains(name); }

  const boost::json::object& object_;
  std::string where_;
  std::optional<base::Error>& error_;
};

// A number that fits; nullopt for every other value.
std::optional<std::uint64_t> as_count(const boost::json::value& value);
std::optional<std::int64_t> as_integer(const boost::json::value& value);
// The bytes behind an escaped string; nullopt for every other value.
std::optional<std::string> as_bytes(const boost::json::value& value);

}  // namespace ssnap::archive
