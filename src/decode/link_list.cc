#include "decode/link_list.h"

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

// Four times the default of fs.nr_open, the most fds that a process may have.
constexpr std::size_t kMaxLinks = std::size_t{1} << 22;
constexpr std::uint32_t kMaxPermissionBits = 07777;
constexpr int kMaxErrno = 4095;  // MAX_ERRNO (include/linux/err.h)

// MODE: "0700", "-", or "!13". False where it is none of them.
bool read_mode(std::string_view field, LinkRecord& record) {
  if (field == "-") return true;
  if (field.starts_with('!')) {
    const auto number = base::parse_integer<int>(field.substr(1));
    if (!number || *number <= 0 || *number > kMaxErrno) return false;
    record.errno_number = number;
    return true;
  }
  const auto mode = base::parse_integer<std::uint32_t>(field, 8);
  if (!mode || *mode > kMaxPermissionBits) return false;
  record.mode = mode;
  return true;
}

// 3 0700 socket:[1596]
// 4 !13
// Name and mode hold no blank; the target begins after one blank and may hold any byte but NUL. A link that
// could not be read may end at its mode. False where the record can't be kept; that is then a problem.
bool read_record(std::string_view text, LinkRecord& record, base::Problems& problems) {
  const std::size_t name_end = text.find(' ');
  if (name_end == 0 || name_end == std::string_view::npos) {
    problems.add(record.offset, expected_found("NAME MODE TARGET", text, "record skipped"));
    return false;
  }
  record.name = text.substr(0, name_end);
  const std::string_view after_name = text.substr(name_end + 1);
  const std::size_t mode_end = after_name.find(' ');
  const std::string_view mode = after_name.substr(0, mode_end);
  const bool mode_known = read_mode(mode, record);
  if (mode_end == std::string_view::npos && !record.errno_number) {
    problems.add(record.offset, expected_found("NAME MODE TARGET", text, "record skipped"));
    return false;
  }
  if (!mode_known) {
    problems.add(record.offset + name_end + 1, expected_found("a mode in octal, '-' or '!' and an errno",
                                                              mode, "the record is kept without it"));
  }
  if (mode_end != std::string_view::npos)
    record.target = at_most(kMaxPathBytes, after_name.substr(mode_end + 1), "a target", record.offset, problems);
  if (record.errno_number && !record.target.empty()) {
    problems.add(record.offset, expected_found("no target beside an errno", record.target,
                                               "the record is kept without target"));
    record.target = {};
  }
  return true;
}

}  // namespace

base::Decoded<LinkRecord> decode_link_list(std::string_view bytes) {
  base::Decoded<LinkRecord> decoded;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = bytes.find('\0', begin);
    if (end == std::string_view::npos) {
      decoded.problems.add(
          begin, expected_found("a NUL at the end of the file", bytes.substr(begin), "last record skipped"));
      break;
    }
    if (decoded.rows.size() == kMaxLinks) {
      decoded.problems.add(begin, "expected at most " + std::to_string(kMaxLinks) +
                                      " records, found more; the rest is left out");
      break;
    }
    LinkRecord record;
    record.offset = begin;
    if (read_record(bytes.substr(begin, end - begin), record, decoded.problems))
      decoded.rows.push_back(record);
    begin = end + 1;
  }
  return decoded;
}

// net:[4026531840]
std::optional<std::uint64_t> inode_of_link(std::string_view target, std::string_view prefix) {
  if (!target.starts_with(prefix)) return std::nullopt;
  target.remove_prefix(prefix.size());
  if (!target.starts_with(":[") || !target.ends_with(']')) return std::nullopt;
  return base::parse_integer<std::uint64_t>(target.substr(2, target.size() - 3));
}

}  // namespace ssnap::decode
