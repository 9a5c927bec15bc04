#include <algorithm>

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/proc_pid.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

// MAX_PID_NS_LEVEL (include/linux/pid_namespace.h) is 32, and the outermost namespace counts as level 0.
constexpr std::size_t kMaxPidNamespaces = 33;

// The whole of what is left of the line as one number.
template <class T>
std::optional<T> only_number(std::string_view value, int number_base = 10) {
  base::TextCursor cursor(value);
  const auto field = cursor.word();
  if (!field || cursor.word()) return std::nullopt;
  return base::parse_integer<T>(*field, number_base);
}

// "0	0	0	0": real, effective, saved, filesystem.
std::optional<std::array<std::uint32_t, 4>> four_ids(std::string_view value) {
  std::array<std::uint32_t, 4> ids{};
  base::TextCursor cursor(value);
  for (auto& id : ids) {
    const auto number = cursor.decimal<std::uint32_t>();
    if (!number) return std::nullopt;
    id = *number;
  }
  if (cursor.word()) return std::nullopt;
  return ids;
}

std::optional<std::vector<std::int64_t>> pid_list(std::string_view value) {
  std::vector<std::int64_t> pids;
  base::TextCursor cursor(value);
  while (const auto field = cursor.word()) {
    const auto pid = base::parse_integer<std::int64_t>(*field);
    if (!pid || pids.size() == kMaxPidNamespaces) return std::nullopt;
    pids.push_back(*pid);
  }
  if (pids.empty()) return std::nullopt;
  return pids;
}

// False, and the member stays absent, where there is no value.
template <class T>
bool store(std::optional<T> value, std::optional<T>& member) {
  if (!value) return false;
  member = std::move(value);
  return true;
}

// The keys that are read. `read` puts what stands after "Key:\t" into its member; false where it isn't as
// expected.
struct Key {
  std::string_view name;
  std::string_view expected;
  bool (*read)(std::string_view value, ProcPidStatus& status);
};
constexpr Key kKeys[] = {
    {"Name", "a name of at most 64 bytes",
     [](std::string_view v, ProcPidStatus& s) {
       return v.size() <= kMaxCommBytes && store(std::optional<std::string>(v), s.name);
     }},
    {"Tgid", "a decimal number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::int64_t>(v), s.tgid); }},
    {"PPid", "a decimal number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::int64_t>(v), s.ppid); }},
    {"TracerPid", "a decimal number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::int64_t>(v), s.tracer_pid); }},
    {"Uid", "four decimal numbers",
     [](std::string_view v, ProcPidStatus& s) { return store(four_ids(v), s.uids); }},
    {"Gid", "four decimal numbers",
     [](std::string_view v, ProcPidStatus& s) { return store(four_ids(v), s.gids); }},
    {"NSpid", "1 to 33 decimal numbers",
     [](std::string_view v, ProcPidStatus& s) {
       auto pids = pid_list(v);
       if (!pids) return false;
       s.ns_pids = std::move(*pids);
       return true;
     }},
    {"Threads", "a decimal number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::int64_t>(v), s.threads); }},
    {"Kthread", "0 or 1",
     [](std::string_view v, ProcPidStatus& s) {
       const auto number = only_number<std::uint8_t>(v);
       if (!number || *number > 1) return false;
       return store(std::optional<bool>(*number == 1), s.kernel_thread);
     }},
    {"CapPrm", "a hex number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::uint64_t>(v, 16), s.capabilities_permitted); }},
    {"CapEff", "a hex number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::uint64_t>(v, 16), s.capabilities_effective); }},
    {"CapBnd", "a hex number",
     [](std::string_view v, ProcPidStatus& s) { return store(only_number<std::uint64_t>(v, 16), s.capabilities_bounding); }},
};

}  // namespace

// Name:	python3
// Uid:	0	0	0	0
// NSpid:	80	1
// CapEff:	000001ffffffffff
ProcPidStatus decode_proc_pid_status(std::string_view bytes) {
  ProcPidStatus status;
  std::array<bool, std::size(kKeys)> seen{};
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    if (!line->complete) {
      status.problems.add(
          line->offset, expected_found("a newline at the end of the file", line->text, "last line skipped"));
      break;
    }
    const std::size_t colon = line->text.find(':');
    if (colon == std::string_view::npos) {
      status.problems.add(line->offset, expected_found("a key and ':'", line->text, "line skipped"));
      continue;
    }
    const auto* key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                   [&](const Key& k) { return k.name == line->text.substr(0, colon); });
    if (key == std::end(kKeys)) continue;
    // One tab after the colon; what follows is the value, for Name with every blank that it has.
    std::string_view value = line->text.substr(colon + 1);
    if (value.starts_with('\t')) value.remove_prefix(1);
    bool& already = seen[static_cast<std::size_t>(key - std::begin(kKeys))];
    if (already) {
      status.problems.add(line->offset,
                          std::string(key->name) + ": expected once, found again; the first is kept");
      continue;
    }
    already = true;
    if (!key->read(value, status)) {
      status.problems.add(line->offset,
                          std::string(key->name) + ": " + expected_found(key->expected, value, "left out"));
    }
  }
  return status;
}

}  // namespace ssnap::decode
