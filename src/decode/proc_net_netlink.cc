#include "decode/proc_net_netlink.h"

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

// "0", "1"; in old kernels the pointer to the running dump, "(null)" where there is none.
std::optional<bool> parse_dump(std::string_view field) {
  if (field == "(null)") return false;
  const auto value = base::parse_integer<std::uint64_t>(field, 16);
  return value ? std::optional<bool>(*value != 0) : std::nullopt;
}

// 00000000a1b2c3d4 0   4711       00000011 0        0        0     2        0        16384
// sk (%pK)         Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
bool read_row(RowReader& reader, ProcNetNetlinkRow& row) {
  if (!reader.take("sk, a pointer", row.pointer, parse_pointer) || !reader.number("Eth, a decimal number", row.protocol) ||
      !reader.int_as_u32("Pid, a decimal number", row.port_id) ||
      !reader.number("Groups, a hex word", row.first_groups, 16) ||
      !reader.int_as_u32("Rmem, a decimal number", row.rmem_bytes) ||
      !reader.int_as_u32("Wmem, a decimal number", row.wmem_bytes) ||
      !reader.take("Dump, 0 or 1 or a pointer", row.dump_running, parse_dump) ||
      !reader.int_as_u32("Locks, a decimal number", row.ref_count)) {
    return false;
  }
  const auto drops = reader.next();
  if (!drops) return true;  // an old kernel's row
  row.drops = parse_int_as_u32(*drops);
  if (!row.drops) return reader.fail("Drops, a decimal number", *drops);
  const auto inode = reader.next();
  if (!inode) return true;
  row.inode = base::parse_integer<std::uint64_t>(*inode);
  return row.inode || reader.fail("Inode, a decimal number", *inode);
}

}  // namespace

// netlink_native_seq_show (netlink_seq_show in older ones), Linux 2.6.18 to 6.18.
base::Decoded<ProcNetNetlinkRow> decode_proc_net_netlink(std::string_view bytes) {
  return decode_rows<ProcNetNetlinkRow>(bytes, "sk", read_row);
}

}  // namespace ssnap::decode
