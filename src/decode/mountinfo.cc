#include "decode/mountinfo.h"

#include "decode/describe.h"
#include "decode/link_list.h"
#include "decode/row_limits.h"
#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

constexpr std::string_view kOctalDigits = "01234567";

// mangle_path and seq_escape (fs/seq_file.c) write blank, tab, newline, '\' and '#' as '\' and three octal
// digits.
std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto value = text.front() == '\\' && text.size() >= 4 &&
                               text.substr(1, 3).find_first_not_of(kOctalDigits) == std::string_view::npos
                           ? base::parse_integer<std::uint8_t>(text.substr(1, 3), 8)
                           : std::nullopt;
    out += value ? static_cast<char>(*value) : text.front();
    text.remove_prefix(value ? 4 : 1);
  }
  return out;
}

// The pieces of a line between single blanks: a source may be empty, so that two blanks follow each other.
class Fields {
 public:
  explicit Fields(const base::Line& line) : rest_(line.text), offset_(line.offset) {}

  // False at the end of the line.
  bool next() {
    if (ended_) return false;
    begin_ = offset_;
    const std::size_t blank = rest_.find(' ');
    field = rest_.substr(0, blank);
    ended_ = blank == std::string_view::npos;
    offset_ += field.size() + 1;
    if (!ended_) rest_.remove_prefix(blank + 1);
    return true;
  }
  // Where `field` begins, or the line's end.
  std::uint64_t offset() const { return begin_; }

  std::string_view field;

 private:
  std::string_view rest_;
  std::uint64_t offset_ = 0, begin_ = 0;
  bool ended_ = false;
};

bool parse_device(std::string_view field, MountRow& row) {
  const std::size_t colon = field.find(':');
  if (colon == std::string_view::npos) return false;
  const auto major = base::parse_integer<std::uint32_t>(field.substr(0, colon));
  const auto minor = base::parse_integer<std::uint32_t>(field.substr(colon + 1));
  if (!major || !minor) return false;
  row.device_major = *major;
  row.device_minor = *minor;
  return true;
}

bool parse_number(std::string_view field, std::uint32_t& out) {
  const auto value = base::parse_integer<std::uint32_t>(field);
  if (value) out = *value;
  return value.has_value();
}

// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
// 71 30 0:4 net:[4026532208] /run/netns/blue rw shared:6 - nsfs nsfs rw
// id parent major:minor root mount_point options optional* - type source super_options
void read_line(const base::Line& line, base::Decoded<MountRow>& decoded) {
  MountRow row;
  row.offset = line.offset;
  Fields fields(line);
  const auto fail = [&](std::string_view expected, bool found) {
    decoded.problems.add(found ? fields.offset() : line.offset + line.text.size(),
                         expected_found(expected, found ? fields.field : std::string_view{}, "row skipped"));
  };
  struct Step {
    std::string_view expected;
    bool (*read)(std::string_view field, MountRow& row);
  };
  static constexpr Step kSteps[] = {
      {"a mount id", [](std::string_view f, MountRow& r) { return parse_number(f, r.mount_id); }},
      {"a parent id", [](std::string_view f, MountRow& r) { return parse_number(f, r.parent_id); }},
      {"major:minor", parse_device},
      {"a root", [](std::string_view f, MountRow& r) { return !(r.root = unescape(f)).empty(); }},
      {"a mount point",
       [](std::string_view f, MountRow& r) { return !(r.mount_point = unescape(f)).empty(); }},
      {"mount options", [](std::string_view f, MountRow& r) { return !(r.options = f).empty(); }},
  };
  for (const Step& step : kSteps) {
    const bool found = fields.next();
    if (!found || !step.read(fields.field, row)) return fail(step.expected, found);
  }
  do {  // shared:N, master:N, ...: passed over
    if (!fields.next()) return fail("'-' after the optional fields", false);
  } while (fields.field != "-");
  if (!fields.next()) return fail("a file system type", false);
  row.fs_type = unescape(fields.field);
  if (!fields.next()) return fail("a source", false);
  row.source = unescape(fields.field);
  if (!fields.next()) return fail("super options", false);
  row.super_options = fields.field;
  row.mount_point.resize(at_most(kMaxPathBytes, row.mount_point, "a mount point", line.offset, decoded.problems).size());
  decoded.rows.push_back(std::move(row));
}

}  // namespace

base::Decoded<MountRow> decode_mountinfo(std::string_view bytes) {
  return decode_lines<MountRow>(bytes, {}, read_line);
}

std::optional<std::uint64_t> netns_of_mount(const MountRow& row) {
  if (row.fs_type != "nsfs") return std::nullopt;
  return inode_of_link(row.root, "net");
}

}  // namespace ssnap::decode
