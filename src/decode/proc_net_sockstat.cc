#include "decode/proc_net_sockstat.h"

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

// TCP: inuse 3 orphan 0 tw 2 alloc 5 mem 1
// FRAG6: inuse 0 memory 0
// A pair that can't be read ends its line; those before it are kept.
void read_line(const base::Line& line, base::Decoded<ProcNetSockstatRow>& decoded) {
  RowReader reader(line, decoded.problems);
  std::string_view section;
  if (!reader.word("a section and ':'", section)) return;
  if (section.size() < 2 || section.back() != ':') {
    reader.fail("a section and ':'", section);
    return;
  }
  section.remove_suffix(1);
  while (const auto key = reader.next()) {
    if (decoded.rows.size() == kMaxRows) {
      reader.fail("no more than " + std::to_string(kMaxRows) + " values", *key);
      return;
    }
    ProcNetSockstatRow row;
    row.offset = reader.offset_of(*key);
    if (!reader.number("a decimal number", row.value)) return;
    row.section = section;
    row.key = *key;
    decoded.rows.push_back(std::move(row));
  }
}

}  // namespace

// Linux 2.6.18 to 6.18.
base::Decoded<ProcNetSockstatRow> decode_proc_net_sockstat(std::string_view bytes) {
  return decode_lines<ProcNetSockstatRow>(bytes, {}, read_line);
}

// Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab ...
// Tcp: 1 200 120000 -1 18 12 0 2 4 ...
std::optional<std::int64_t> decode_proc_net_snmp_value(std::string_view bytes, std::string_view section,
                                                       std::string_view key) {
  base::LineReader lines(bytes);
  while (const auto names = lines.next()) {
    base::TextCursor name_cursor(names->text);
    const auto is_section = [&](std::optional<std::string_view> word) {
      return word && word->size() == section.size() + 1 && word->ends_with(':') && word->starts_with(section);
    };
    if (!is_section(name_cursor.word())) continue;
    const auto values = lines.next();
    // A line without its newline may lack digits.
    if (!values || !values->complete) return std::nullopt;
    base::TextCursor value_cursor(values->text);
    if (!is_section(value_cursor.word())) return std::nullopt;
    while (const auto name = name_cursor.word()) {
      const auto value = value_cursor.decimal<std::int64_t>();
      if (*name == key) return value;
    }
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace ssnap::decode
