#include "decode/proc_net_packet.h"

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

// 00000000a1b2c3d4 3      3    0003   2     1 0      0      16384
// sk (%pK)         RefCnt Type Proto  Iface R Rmem   User   Inode
bool read_row(RowReader& reader, ProcNetPacketRow& row) {
  std::uint32_t running = 0;
  if (!reader.skip("sk, a pointer") || !reader.int_as_u32("RefCnt, a decimal number", row.ref_count) ||
      !reader.number("Type, a decimal number", row.type) ||
      !reader.number("Proto, four hex digits", row.protocol, 16) ||
      !reader.int_as_u32("Iface, a decimal number", row.interface_index) ||
      !reader.number("R, 0 or 1", running) || !reader.number("Rmem, a decimal number", row.rmem_bytes) ||
      !reader.int_as_u32("User, a decimal number", row.uid) ||
      !reader.number("Inode, a decimal number", row.inode)) {
    return false;
  }
  row.running = running != 0;
  return true;
}

}  // namespace

// packet_seq_show, Linux 2.6.18 to 6.18.
base::Decoded<ProcNetPacketRow> decode_proc_net_packet(std::string_view bytes) {
  return decode_rows<ProcNetPacketRow>(bytes, "sk", read_row);
}

}  // namespace ssnap::decode
