// One escaper per sink. Kernel strings are bytes and may hold anything.
#pragma once

#include <string>
#include <string_view>

namespace ssnap::render {

// For terminals and text files: control characters, bidirectional marks, other invisible code points and
// bytes that are no UTF-8 become \xNN or \u{NNNN}; '\' becomes "\\". The result moves no cursor and merges no
// columns. Reversible: replace "\xNN" by the byte, "\u{N...}" by the code point's UTF-8 and "\\" by '\'.
std::string escape_terminal(std::string_view bytes);
// For `--as TOOL`: the same, but '\' stays as it is, as the tool would print it. Harmless, not reversible.
std::string escape_tool(std::string_view bytes);
// For the value of a JSON string, before JSON's own quoting: '\' becomes "\\" and a byte that is no UTF-8
// "\xNN". Reversible: replace "\xNN" by the byte and "\\" by '\'.
std::string escape_json_bytes(std::string_view bytes);
// True for text that is the inside of a JSON string as it is.
bool is_json_plain(std::string_view text);
// Appends UTF-8 as the inside of a JSON string, as boost::json::serialize would quote it, visible as below.
void append_json_string(std::string& out, std::string_view text);
// For JSON that is done: what escape_terminal would not let pass becomes \uNNNN (two of them above U+FFFF).
// Valid JSON in, the same values out; only strings can hold such code points.
void append_json_visible(std::string& out, std::string_view json);
// Columns that the escaped text takes on a terminal (East Asian wide characters take two).
int display_width(std::string_view escaped);

}  // namespace ssnap::render
