#include "archive/tar.h"

#include <algorithm>
#include <cassert>
#include <cstdio>

#include "archive/read_limits.h"
#include "base/text_cursor.h"

namespace ssnap::archive {
namespace {

using namespace std::string_view_literals;

// POSIX.1-2017, pax, "ustar Interchange Format": offset and length of each field.
struct Field {
  std::size_t offset, length;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kMtime{136, 12},
    kChecksum{148, 8}, kType{156, 1}, kLink{157, 100}, kMagic{257, 8}, kPrefix{345, 155};
constexpr std::string_view kUstarMagic = "ustar\0" "00"sv;
constexpr std::string_view kGnuMagic = "ustar  \0"sv;

std::string_view bytes_of(std::string_view block, Field field) { return block.substr(field.offset, field.length); }

// Up to the first NUL.
std::string_view text_of(std::string_view block, Field field) {
  const std::string_view bytes = bytes_of(block, field);
  return bytes.substr(0, bytes.find('\0'));
}

void put(std::string& block, Field field, std::string_view text) {
  assert(text.size() <= field.length);
  block.replace(field.offset, text.size(), text);
}

void put_octal(std::string& block, Field field, std::uint64_t value) {
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%0*llo", static_cast<int>(field.length) - 1,
                                   static_cast<unsigned long long>(value));
  put(block, field, {text, static_cast<std::size_t>(length)});
}

// Octal digits with blanks before and blanks or NULs behind; GNU's base-256 form (first bit set) for large values.
std::optional<std::uint64_t> number_of(std::string_view block, Field field) {
  std::string_view bytes = bytes_of(block, field);
  if (static_cast<unsigned char>(bytes[0]) & 0x80) {
    if (static_cast<unsigned char>(bytes[0]) != 0x80) return std::nullopt;  // negative, or beyond any file
    std::uint64_t value = 0;
    for (const char c : bytes.substr(1)) {
      if (value >> 56) return std::nullopt;
      value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
  }
  const std::size_t begin = bytes.find_first_not_of(' ');
  if (begin == std::string_view::npos) return std::nullopt;
  bytes.remove_prefix(begin);
  const std::size_t end = std::min(bytes.find_first_of(" \0"sv), bytes.size());
  if (bytes.find_first_not_of(" \0"sv, end) != std::string_view::npos) return std::nullopt;
  return base::parse_integer<std::uint64_t>(bytes.substr(0, end), 8);
}

// The sum of all bytes, the checksum's own field counted as blanks.
std::uint64_t checksum_of(std::string_view block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool own = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.length;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  return sum;
}

std::string header_block(std::string_view name, std::string_view prefix, std::uint64_t size, std::int64_t mtime_sec,
                         char type) {
  std::string block(kTarBlockBytes, '\0');
  put(block, kName, name);
  put_octal(block, kMode, 0600);
  put_octal(block, kUid, 0);
  put_octal(block, kGid, 0);
  put_octal(block, kSize, size);
  put_octal(block, kMtime, std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(mtime_sec, 0)), kMaxUstarBytes));
  put(block, kType, {&type, 1});
  put(block, kMagic, kUstarMagic);
  put(block, kPrefix, prefix);
  char text[16];
  std::snprintf(text, sizeof text, "%06llo", static_cast<unsigned long long>(checksum_of(block)));
  put(block, kChecksum, {text, 7});  // with its NUL
  block[kChecksum.offset + 7] = ' ';
  return block;
}

// "LENGTH path=NAME\n", where LENGTH counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;  // blank, '=', newline
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
  std::string record = std::to_string(length);
  record += ' ';
  record += key;
  record += '=';
  record += value;
  return record + '\n';
}

}  // namespace

std::optional<std::string_view> name_fault(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxNameBytes) return "is longer than 4096 bytes";
  if (name.front() == '/') return "is absolute";
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return "holds a control byte";
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view component = name.substr(begin, end - begin);
    if (component.empty()) return "has an empty component";
    if (component == "." || component == "..") return "has a dot component";
    begin = end + 1;
  }
  return std::nullopt;
}

std::string tar_header(std::string_view name, std::uint64_t size, std::int64_t mtime_sec) {
  assert(size <= kMaxUstarBytes);
  if (name.size() <= kName.length) return header_block(name, "", size, mtime_sec, '0');
  // The last slash that leaves at most 100 bytes behind it and 155 before it.
  for (std::size_t slash = name.find('/', name.size() - kName.length - 1);
       slash != std::string_view::npos && slash <= kPrefix.length; slash = name.find('/', slash + 1)) {
    if (slash + 1 == name.size() || slash == 0) continue;
    return header_block(name.substr(slash + 1), name.substr(0, slash), size, mtime_sec, '0');
  }
  const std::string record = pax_record("path", name);
  std::string out = header_block("pax-path", "", record.size(), mtime_sec, 'x');
  out += record;
  out.append(tar_padding(record.size()), '\0');
  return out + header_block(name.substr(0, kName.length), "", size, mtime_sec, '0');
}

std::string TarHeader::full_name() const {
  std::string out(prefix);
  if (!out.empty()) out += '/';
  out += name;
  return out;
}

base::Result<TarHeader> parse_tar_header(std::string_view block) {
  assert(block.size() == kTarBlockBytes);
  const auto checksum = number_of(block, kChecksum);
  if (!checksum || *checksum != checksum_of(block)) return base::Error{"tar header with a wrong checksum", 0};
  const std::string_view magic = bytes_of(block, kMagic);
  const bool ustar = magic == kUstarMagic;
  const bool gnu = magic == kGnuMagic;
  if (!ustar && !gnu) return base::Error{"tar header that is not ustar", 0};
  TarHeader header;
  const auto size = number_of(block, kSize);
  if (!size) return base::Error{"tar header with a size that is not a number", 0};
  header.size = *size;
  header.type = block[kType.offset];
  header.name = text_of(block, kName);
  header.link = text_of(block, kLink);
  if (ustar) header.prefix = text_of(block, kPrefix);  // GNU keeps times there
  return header;
}

base::Result<PaxRecords> parse_pax(std::string_view bytes) {
  PaxRecords records;
  while (!bytes.empty()) {
    const std::size_t blank = bytes.find(' ');
    const auto length = base::parse_integer<std::size_t>(bytes.substr(0, std::min(blank, bytes.size())));
    if (blank == std::string_view::npos || !length || *length < blank + 3 || *length > bytes.size() ||
        bytes[*length - 1] != '\n')
      return base::Error{"pax record with a wrong length", 0};
    const std::string_view record = bytes.substr(blank + 1, *length - blank - 2);
    bytes.remove_prefix(*length);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) return base::Error{"pax record without a value", 0};
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1);
    if (key == "path") records.path = value;
    if (key == "linkpath") records.linkpath = value;
    if (key.starts_with("GNU.sparse.")) records.sparse = true;
    if (key == "size") {
      records.size = base::parse_integer<std::uint64_t>(value);
      if (!records.size) return base::Error{"pax size that is not a number", 0};
    }
  }
  return records;
}

}  // namespace ssnap::archive
