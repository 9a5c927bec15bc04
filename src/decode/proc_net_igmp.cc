#include "decode/proc_net_igmp.h"

#include "decode/hex_address.h"
#include "decode/text_row.h"

namespace ssnap::decode {

// Idx	Device    : Count Querier	Group    Users Timer	Reporter
// 1	lo        :     1      V3
// 				010000E0     1 0:00000000		0
// A device, then its groups, which begin with tabs. Linux 2.6.18 to 7.2.
base::Decoded<ProcNetIgmpRow> decode_proc_net_igmp(std::string_view bytes, base::ByteOrder order) {
  std::string interface;
  return decode_lines<ProcNetIgmpRow>(bytes, "Idx", [&](const base::Line& line, base::Decoded<ProcNetIgmpRow>& decoded) {
    RowReader reader(line, decoded.problems);
    ProcNetIgmpRow row;
    row.offset = line.offset;
    if (line.text.starts_with('\t')) {
      if (interface.empty()) reader.fail("a device before its groups", line.text.substr(0, 0));
      else if (reader.take("a group, 8 hex digits", row.group, [order](std::string_view field) { return hex_address_v4(field, order); }) &&
               reader.int_as_u32("Users, a decimal number", row.users)) {
        row.interface = interface;
        decoded.rows.push_back(std::move(row));
      }
      return;
    }
    interface.clear();
    std::uint32_t index = 0;
    std::string_view name;
    if (!reader.number("an interface's number", index) || !reader.word("a device", name)) return;
    // A name of more than nine bytes touches its colon.
    interface = name.substr(0, name.find(':'));
  });
}

// 1    lo              ff020000000000000000000000000001     1 0000000C 0
// Linux 2.6.18 to 7.2.
base::Decoded<ProcNetIgmpRow> decode_proc_net_igmp6(std::string_view bytes) {
  return decode_rows<ProcNetIgmpRow>(bytes, {}, [](RowReader& reader, ProcNetIgmpRow& row) {
    std::uint32_t index = 0;
    std::string_view interface;
    if (!reader.number("an interface's number", index) || !reader.word("a device", interface) ||
        !reader.take("a group, 32 hex digits", row.group, hex_address_v6) || !reader.int_as_u32("users, a decimal number", row.users))
      return false;
    row.interface = interface;
    return true;
  });
}

}  // namespace ssnap::decode
