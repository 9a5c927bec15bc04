#include "decode/exe_hashes.h"

#include <algorithm>

#include "base/text_cursor.h"
#include "decode/describe.h"

namespace ssnap::decode {
namespace {

// As many as a host has processes, by the kernel's own limit (PID_MAX_LIMIT, include/linux/threads.h).
constexpr std::size_t kMaxRows = std::size_t{1} << 22;
constexpr std::size_t kSha256Digits = 64;

bool is_sha256(std::string_view word) {
  return word.size() == kSha256Digits && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// process 412 98765 /usr/sbin/nginx (deleted)
// The target begins after one blank and may hold any byte but NUL.
bool read_process(base::TextCursor& words, ExeHashRow& row) {
  const auto pid = words.decimal<std::int64_t>();
  const auto start = words.decimal<std::uint64_t>();
  if (!pid || *pid <= 0 || !start || !words.skip(' ')) return false;
  row.pid = *pid;
  row.start_ticks = *start;
  row.target = words.rest();
  return true;
}

}  // namespace

base::Decoded<ExeHashRow> decode_exe_hashes(std::string_view bytes) {
  base::Decoded<ExeHashRow> decoded;
  std::string_view sha256;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = bytes.find('\0', begin);
    if (end == std::string_view::npos) {
      decoded.problems.add(begin, expected_found("a NUL at the end of the file", bytes.substr(begin), "last record skipped"));
      break;
    }
    const std::string_view record = bytes.substr(begin, end - begin);
    base::TextCursor words(record);
    const auto kind = words.word();
    // file 2c26...7ae8 1183448 8:1 131 1700000000.123456789
    if (kind == "file") {
      sha256 = words.word().value_or("");
      if (!is_sha256(sha256)) {
        decoded.problems.add(begin, expected_found("file SHA256 ...", record, "its processes are left without"));
        sha256 = {};
      }
    } else if (kind == "process") {
      ExeHashRow row;
      row.sha256 = sha256;
      row.offset = begin;
      if (decoded.rows.size() == kMaxRows) {
        decoded.problems.add(begin, "expected at most " + std::to_string(kMaxRows) + " processes, found more; the rest is left out");
        break;
      }
      if (!read_process(words, row)) decoded.problems.add(begin, expected_found("process PID START TARGET", record, "record skipped"));
      else if (sha256.empty()) decoded.problems.add(begin, expected_found("a file before its processes", record, "record skipped"));
      else decoded.rows.push_back(row);
    }
    begin = end + 1;
  }
  return decoded;
}

}  // namespace ssnap::decode
