#include "render/escape.h"

#include <boost/json.hpp>

#include "base/text_cursor.h"
#include "base/utf8.h"
#include "support/catch.h"

using namespace ssnap::render;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string utf8(std::uint32_t c) {
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)),
          byte(0x80 | (c & 0x3f))};
}

// The way back, as the header describes it.
std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '\\') {
      out += text.front();
      text.remove_prefix(1);
    } else if (text.at(1) == '\\') {
      out += '\\';
      text.remove_prefix(2);
    } else if (text.at(1) == 'x') {
      out += static_cast<char>(*ssnap::base::parse_integer<std::uint8_t>(text.substr(2, 2), 16));
      text.remove_prefix(4);
    } else {
      const auto end = text.find('}');
      out += utf8(*ssnap::base::parse_integer<std::uint32_t>(text.substr(3, end - 3), 16));
      text.remove_prefix(end + 1);
    }
  }
  return out;
}

const std::string kHostile[] = {
    "",
    "plain",
    "a b",
    "back\\slash",
    "\\x41",
    "\\u{202e}",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "tab\tnew\nline\r\b",
    "nul\0inside"s,
    "del\x7f",
    "\xc2\x9b"
    "31m",
    "\xff\xfe",
    "cut \xe2\x80",
    "overlong \xc0\xaf",
    "surrogate \xed\xa0\x80",
    "\xe2\x80\xae"
    "gpj.exe",
    "zero\xe2\x80\x8bwidth",
    "\xef\xbb\xbf"
    "bom",
    "\xf3\xa0\x81\x81tag",
    "\xe2\x80\xa8line",
    "\xc2\xadsoft",
    "\xcc\x81leading mark",
    "na\xc3\xafve",
    "\xe6\x97\xa5\xe6\x9c\xac",
    "\xf0\x9f\x98\x80",
    "=cmd()",
    "z\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
    "\xf4\x90\x80\x80 too large",
};

}  // namespace

TEST_CASE("escape_terminal: what passes and what does not") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"plain text", "plain text"},
      {"a\\b", "a\\\\b"},
      {"\x1b[31m", "\\x1b[31m"},
      {"\n\t\x7f", "\\x0a\\x09\\x7f"},
      {"\0"sv, "\\x00"},
      {"\xc2\x9b", "\\u{009b}"},      // C1: CSI
      {"\xe2\x80\xae", "\\u{202e}"},  // right-to-left override
      {"\xe2\x81\xa6", "\\u{2066}"},  // isolate
      {"\xd8\x9c", "\\u{061c}"},      // Arabic letter mark
      {"\xe2\x80\x8d", "\\u{200d}"},  // joiner
      {"\xe2\x81\xa0", "\\u{2060}"},  // word joiner
      {"\xef\xbb\xbf", "\\u{feff}"},
      {"\xc2\xad", "\\u{00ad}"},  // soft hyphen
      {"\xc2\xa0", "\\u{00a0}"},  // a blank that is none
      {"\xe3\x80\x80", "\\u{3000}"},
      {"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
      {"\xf3\xa0\x81\x81", "\\u{e0041}"},  // tag
      {"\xee\x80\x80", "\\u{e000}"},       // private use
      {"\xef\xbf\xbf", "\\u{ffff}"},       // noncharacter
      {"\xff", "\\xff"},
      {"\xe2\x80", "\\xe2\\x80"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"\xcc\x81", "\\u{0301}"},  // would join what stands before
      {"e\xcc\x81", "e\xcc\x81"},
      {"\xe6\x97\xa5", "\xe6\x97\xa5"},
      {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
  };
  for (const auto& [bytes, text] : rows) CHECK(escape_terminal(bytes) == text);
  CHECK(escape_tool("a\\x2d\x1b") == "a\\x2d\\x1b");
}

TEST_CASE("escapes are reversible and hold nothing that a terminal acts on") {
  for (const auto& bytes : kHostile) {
    const auto text = escape_terminal(bytes);
    CHECK(unescape(text) == bytes);
    CHECK(escape_terminal(unescape(text)) == text);
    for (const char c : text) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    CHECK(unescape(escape_json_bytes(bytes)) == bytes);
  }
  for (std::uint32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 17) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const auto bytes = 'a' + utf8(c);
    if (unescape(escape_terminal(bytes)) != bytes ||
        escape_json_bytes(utf8(c)) != (c == '\\' ? "\\\\" : utf8(c)))
      FAIL("code point " << c);
  }
}

TEST_CASE("JSON shows what is invisible and keeps its values") {
  for (const auto& bytes : kHostile) {
    const auto value = escape_json_bytes(bytes);
    std::string text;
    append_json_visible(text, boost::json::serialize(boost::json::value(value)));
    CHECK(boost::json::parse(text).as_string() == value);
    CHECK(text.find("\xe2\x80") == std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x7f') == std::string::npos);
  }
  std::string text;
  append_json_visible(text, "\"\xf3\xa0\x81\x81\xe2\x80\xae\"");
  CHECK(text == "\"\\udb40\\udc41\\u202e\"");
}

TEST_CASE("display_width counts columns, not bytes") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("na\xc3\xafve") == 5);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4);
  CHECK(display_width("\xf0\x9f\x98\x80") == 2);
  CHECK(display_width("└ ·") == 3);
  CHECK(display_width("\xff") == 1);
}
