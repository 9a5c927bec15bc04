#include "decode/proc_pid_fdinfo.h"

#include <algorithm>

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/link_list.h"

namespace ssnap::decode {
namespace {

constexpr std::uint64_t kMaxRegisteredFiles = 1u << 20;  // IORING_MAX_FIXED_FILES (io_uring/rsrc.c)

// "UserFiles:	5" with the key "UserFiles": the number. Kernels put a tab or a blank after the colon.
std::optional<std::uint64_t> number_after(std::string_view line, std::string_view key) {
  base::TextCursor value(line.substr(key.size() + 1));
  const auto field = value.word();
  if (!field || value.word()) return std::nullopt;
  return base::parse_integer<std::uint64_t>(*field);
}

bool has_key(std::string_view line, std::string_view key) {
  return line.starts_with(key) && line.substr(key.size()).starts_with(':');
}

void read_number(const base::Line& line, std::string_view key, std::optional<std::uint64_t>& number,
                 base::Problems& problems) {
  if (number) {
    problems.add(line.offset, std::string(key) + ": expected once, found again; the first is kept");
    return;
  }
  number = number_after(line.text, key);
  if (!number)
    problems.add(line.offset, std::string(key) + ": " +
                                  expected_found("a decimal number", line.text.substr(key.size() + 1), "left out"));
}

//     0: socket:[135096935]
//     1: <none>
//     3: /dev/null
// Older kernels print the empty places too. Those below 6.18 print a file's name as it is: one with a newline in it looks
// like two rows, which the order of the places betrays unless it was made to fit.
void read_place(const base::Line& line, ProcPidFdinfo& info) {
  const auto fail = [&](std::string_view expected) {
    info.problems.add(line.offset, expected_found(expected, line.text, "row skipped"));
  };
  const std::size_t begin = std::min(line.text.find_first_not_of(' '), line.text.size());
  const std::size_t colon = line.text.find(": ");
  if (colon == std::string_view::npos || colon < begin) return fail("a place, ':' and a file");
  const auto place = base::parse_integer<std::uint32_t>(line.text.substr(begin, colon - begin));
  if (!place || *place >= info.user_files.value_or(0)) return fail("a place of the table");
  if (!info.registered.empty() && *place <= info.registered.back().place) return fail("a place after the one before");
  const std::string_view name = line.text.substr(colon + 2);
  if (name == "<none>") return;
  info.registered.push_back({*place, std::string(name), inode_of_link(name, "socket")});
}

}  // namespace

// pos:	0
// UserFiles:	5
//     0: socket:[135096935]
// UserBufs:	0
// scm_fds: 3
ProcPidFdinfo decode_proc_pid_fdinfo(std::string_view bytes) {
  ProcPidFdinfo info;
  bool in_files = false;  // between "UserFiles:" and the next line that isn't indented
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    if (!line->complete) {
      info.problems.add(line->offset,
                        expected_found("a newline at the end of the file", line->text, "last line skipped"));
      break;
    }
    if (in_files && line->text.starts_with(' ')) {
      read_place(*line, info);
      continue;
    }
    in_files = false;
    info.is_ring |= has_key(line->text, "SqMask") || has_key(line->text, "SqThread") || has_key(line->text, "UserFiles");
    if (has_key(line->text, "UserFiles")) {
      const bool is_first = !info.user_files;
      read_number(*line, "UserFiles", info.user_files, info.problems);
      in_files = is_first && info.user_files.has_value();
      if (in_files && *info.user_files > kMaxRegisteredFiles) {
        info.problems.add(line->offset, "UserFiles: expected at most " + std::to_string(kMaxRegisteredFiles) +
                                            " places, found more; those beyond are left out");
        info.user_files = kMaxRegisteredFiles;
      }
    } else if (has_key(line->text, "scm_fds")) {
      read_number(*line, "scm_fds", info.scm_fds, info.problems);
    }
  }
  return info;
}

}  // namespace ssnap::decode
