#include "archive/json_text.h"

#include <algorithm>
#include <limits>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "archive/read_limits.h"
#include "base/text_cursor.h"
#include "base/utf8.h"

namespace ssnap::archive {
namespace {

namespace json = boost::json;

constexpr char kHexDigits[] = "0123456789abcdef";

// Colons outside of strings: in JSON each belongs to a member of an object. Looks no further than `most`.
bool has_more_fields(std::string_view bytes, std::size_t most) {
  bool in_string = false;
  std::size_t fields = 0;
  for (std::size_t i = 0; i < bytes.size() && fields <= most; ++i) {
    if (in_string && bytes[i] == '\\') ++i;
    else if (bytes[i] == '"') in_string = !in_string;
    else if (bytes[i] == ':' && !in_string) ++fields;
  }
  return fields > most;
}

bool is_nested(const json::value& value) { return value.is_object() || value.is_array(); }

void append_pretty(std::string& out, const json::value& value, std::size_t indent) {
  const auto new_line = [&out](std::size_t depth) {
    out += '\n';
    out.append(depth * 2, ' ');
  };
  bool first = true;
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    out += '{';
    for (const auto& [key, member] : *object) {
      if (!first) out += ',';
      first = false;
      new_line(indent + 1);
      out += json::serialize(json::string(key)) + ": ";
      append_pretty(out, member, indent + 1);
    }
    new_line(indent);
    out += '}';
    return;
  }
  const auto* array = value.if_array();
  if (array == nullptr || std::none_of(array->begin(), array->end(), is_nested)) {
    out += json::serialize(value);
    return;
  }
  out += '[';
  for (const auto& item : *array) {
    if (!first) out += ',';
    first = false;
    new_line(indent + 1);
    append_pretty(out, item, indent + 1);
  }
  new_line(indent);
  out += ']';
}

}  // namespace

std::string escape_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto code_point = base::decode_utf8(bytes);
    const auto byte = static_cast<unsigned char>(bytes.front());
    if (!code_point) {
      out += "\\x";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    } else if (byte == '\\') {
      out += "\\\\";
    } else {
      out += bytes.substr(0, code_point->length);
    }
    bytes.remove_prefix(code_point ? code_point->length : 1);
  }
  return out;
}

std::optional<std::string> unescape_bytes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const std::string_view rest = text.substr(i + 1);
    if (rest.starts_with('\\')) {
      out += '\\';
      i += 1;
      continue;
    }
    const auto byte = rest.size() >= 3 ? base::parse_integer<std::uint8_t>(rest.substr(1, 2), 16) : std::nullopt;
    if (!rest.starts_with('x') || !byte) return std::nullopt;
    out += static_cast<char>(*byte);
    i += 3;
  }
  return out;
}

std::string to_pretty_json(const json::value& value) {
  std::string out;
  append_pretty(out, value, 0);
  return out + '\n';
}

base::Result<json::object> parse_json_object(std::string_view bytes, std::size_t max_bytes, std::size_t max_fields) {
  if (bytes.size() > max_bytes)
    return base::Error{"JSON text of " + std::to_string(bytes.size()) + " bytes, more than " +
                           std::to_string(max_bytes),
                       0};
  if (has_more_fields(bytes, max_fields)) return base::Error{"JSON of more than " + std::to_string(max_fields) + " fields", 0};
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::error_code error;
  json::value value = json::parse(bytes, error, {}, options);
  if (error) return base::Error{"not JSON: " + error.message(), 0};
  if (!value.is_object()) return base::Error{"JSON that is not an object", 0};
  return std::move(value.as_object());
}

std::optional<std::uint64_t> as_count(const json::value& value) {
  if (const auto* number = value.if_uint64()) return *number;
  if (const auto* number = value.if_int64(); number != nullptr && *number >= 0)
    return static_cast<std::uint64_t>(*number);
  return std::nullopt;
}

std::optional<std::int64_t> as_integer(const json::value& value) {
  if (const auto* number = value.if_int64()) return *number;
  return std::nullopt;  // Boost.JSON has uint64 only for what doesn't fit
}

std::optional<std::string> as_bytes(const json::value& value) {
  const auto* text = value.if_string();
  return text == nullptr ? std::nullopt : unescape_bytes(*text);
}

void FieldReader::fail(std::string_view name, std::string_view what) {
  if (error_) return;
  std::string message = where_.empty() ? "" : where_ + ".";
  message += name;
  message += ' ';
  message += what;
  error_ = base::Error{std::move(message), 0};
}

std::optional<std::string> FieldReader::optional_text(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  auto bytes = as_bytes(*value);
  if (!bytes) fail(name, value->is_string() ? "has a wrong escape" : "is not a string");
  return bytes;
}

std::string FieldReader::text(std::string_view name) {
  if (find(name) == nullptr) missing(name);
  return optional_text(name).value_or("");
}

std::optional<std::int64_t> FieldReader::optional_integer(std::string_view name, std::int64_t least,
                                                          std::int64_t most) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = as_integer(*value);
  if (number && *number >= least && *number <= most) return number;
  fail(name, number ? "is out of range" : "is not an integer");
  return std::nullopt;
}

std::int64_t FieldReader::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  if (find(name) == nullptr) missing(name);
  return optional_integer(name, least, most).value_or(least);
}

std::optional<std::uint64_t> FieldReader::optional_count(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = as_count(*value);
  if (!number) fail(name, "is not a number of things");
  return number;
}

std::uint64_t FieldReader::count(std::string_view name) {
  if (find(name) == nullptr) missing(name);
  return optional_count(name).value_or(0);
}

const json::object* FieldReader::object(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) missing(name);
  else if (!value->is_object()) fail(name, "is not an object");
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* FieldReader::array(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) missing(name);
  else if (!value->is_array()) fail(name, "is not an array");
  return value == nullptr ? nullptr : value->if_array();
}

}  // namespace ssnap::archive
