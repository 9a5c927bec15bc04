#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/proc_pid.h"

namespace ssnap::decode {
namespace {

// Fields by the numbers of proc(5) that are read here, and the last one needed.
constexpr int kFieldState = 3, kFieldPpid = 4, kFieldPgrp = 5, kFieldSession = 6, kFieldTtyNr = 7,
              kFieldFlags = 9, kFieldNumThreads = 20, kFieldStartTime = 22;

// Letters of task_state_array and of its older versions: tomorrow's kernel has another one.
bool is_state(std::string_view field) {
  return field.size() == 1 && ((field[0] >= 'A' && field[0] <= 'Z') || (field[0] >= 'a' && field[0] <= 'z'));
}

template <class T>
bool assign(std::string_view field, T& out) {
  const auto value = base::parse_integer<T>(field);
  if (value) out = *value;
  return value.has_value();
}

// One field after comm into its member; true for those that are passed over.
bool read_field(int number, std::string_view field, ProcPidStat& stat) {
  switch (number) {
    case kFieldState:
      stat.state = field[0];
      return is_state(field);
    case kFieldPpid:
      return assign(field, stat.ppid);
    case kFieldPgrp:
      return assign(field, stat.pgrp);
    case kFieldSession:
      return assign(field, stat.session);
    case kFieldTtyNr:
      return assign(field, stat.tty_nr);
    case kFieldFlags:
      return assign(field, stat.flags);
    case kFieldNumThreads:
      return assign(field, stat.num_threads);
    case kFieldStartTime:
      return assign(field, stat.start_ticks);
    default:
      return true;
  }
}

base::Error stat_error(std::string_view expected, std::string_view found) {
  return base::Error{"stat: " + expected_found(expected, found, "nothing kept"), 0};
}

}  // namespace

// 80 (python3) S 1 80 80 0 -1 4194560 2093 0 0 0 5 1 0 0 20 0 1 0 4711 16777216 2301 18446744073709551615 ...
// 1  2         3 4                                        20    22
base::Result<ProcPidStat> decode_proc_pid_stat(std::string_view bytes) {
  ProcPidStat stat;
  const std::size_t open = bytes.find(" (");
  if (open == std::string_view::npos || !assign(bytes.substr(0, open), stat.pid)) {
    return stat_error("a decimal pid and \" (\"", bytes.substr(0, open));
  }
  const std::size_t close = bytes.rfind(')');
  if (close == std::string_view::npos || close < open + 2) {
    return stat_error("comm to end with ')'", bytes.substr(open + 1));
  }
  stat.comm = bytes.substr(open + 2, close - open - 2);

  std::string_view fields = bytes.substr(close + 1);
  const bool complete = fields.ends_with('\n');
  if (complete) fields.remove_suffix(1);
  base::TextCursor cursor(fields);
  for (int number = kFieldState; number <= kFieldStartTime; ++number) {
    const auto field = cursor.word();
    // Without something after it, the number may have more digits in the part that is missing.
    const bool ended = field && (complete || !cursor.rest().empty());
    if (!ended || !read_field(number, *field, stat)) {
      return stat_error("field " + std::to_string(number) + " as proc(5) has it",
                        field.value_or(std::string_view{}));
    }
  }
  return stat;
}

}  // namespace ssnap::decode
