#include "archive/member.h"

namespace ssnap::archive {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";

bool stands_for_itself(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("._+:@,=-").find(c) != std::string_view::npos;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string percent_escape(std::string_view host_name) {
  std::string out;
  for (std::size_t i = 0; i < host_name.size(); ++i) {
    const char c = host_name[i];
    if (stands_for_itself(c) && !(i == 0 && c == '.')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::string percent_unescape(std::string_view escaped) {
  std::string out;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const bool whole = escaped[i] == '%' && escaped.size() - i > 2;
    const int high = whole ? hex_value(escaped[i + 1]) : -1;
    const int low = whole ? hex_value(escaped[i + 2]) : -1;
    if (high < 0 || low < 0) {
      out += escaped[i];
      continue;
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

}  // namespace ssnap::archive
