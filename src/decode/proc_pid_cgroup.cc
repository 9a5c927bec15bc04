#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/proc_pid.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

// One line per hierarchy, and the kernel has at most one per controller plus the named ones: dozens, never
// thousands.
constexpr std::size_t kMaxCgroupRows = 4096;

// 9:name=systemd:/
// 0::/user.slice/user-1000.slice
// nullopt where the line isn't so.
std::optional<CgroupRow> read_row(std::string_view line) {
  const std::size_t first = line.find(':');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = line.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto hierarchy = base::parse_integer<std::uint32_t>(line.substr(0, first));
  if (!hierarchy) return std::nullopt;
  CgroupRow row;
  row.hierarchy = *hierarchy;
  row.controllers = line.substr(first + 1, second - first - 1);
  row.path = line.substr(second + 1);
  return row;
}

}  // namespace

base::Decoded<CgroupRow> decode_proc_pid_cgroup(std::string_view bytes) {
  base::Decoded<CgroupRow> decoded;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    if (!line->complete) {
      decoded.problems.add(
          line->offset, expected_found("a newline at the end of the file", line->text, "last row skipped"));
      break;
    }
    if (decoded.rows.size() == kMaxCgroupRows) {
      decoded.problems.add(line->offset, "expected at most " + std::to_string(kMaxCgroupRows) +
                                             " rows, found more; the rest is left out");
      break;
    }
    auto row = read_row(line->text);
    if (row) {
      row->path.resize(at_most(kMaxPathBytes, row->path, "the path of a cgroup", line->offset, decoded.problems).size());
      decoded.rows.push_back(std::move(*row));
    } else {
      decoded.problems.add(line->offset,
                           expected_found("NUMBER:CONTROLLERS:PATH", line->text, "row skipped"));
    }
  }
  return decoded;
}

}  // namespace ssnap::decode
