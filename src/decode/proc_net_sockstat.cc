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

}  // namespace ssnap::decode
