#include "decode/proc_net_protocols.h"

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

// What proto_memory_pressure and proto_method_implemented print.
std::optional<std::optional<bool>> parse_pressure(std::string_view field) {
  if (field == "NI") return std::optional<bool>();
  if (field == "yes" || field == "no") return std::optional<bool>(field == "yes");
  return std::nullopt;
}

std::optional<bool> parse_yes_no(std::string_view field) {
  return field == "yes" || field == "no" ? std::optional<bool>(field == "yes") : std::nullopt;
}

// TCP       2368      3       1   no     320   yes  kernel      y  y  y  ...
// protocol  size sockets  memory press maxhdr  slab module     cl co di  ... (which methods there are: passed
// over)
bool read_row(RowReader& reader, ProcNetProtocolsRow& row) {
  std::string_view name, module;
  std::int64_t memory = 0;
  if (!reader.word("protocol, a name", name) || !reader.number("size, a decimal number", row.object_bytes) ||
      !reader.number("sockets, a decimal number", row.sockets) ||
      !reader.number("memory, a decimal number", memory) ||
      !reader.take("press, yes or no or NI", row.memory_pressure, parse_pressure) ||
      !reader.number("maxhdr, a decimal number", row.max_header_bytes) ||
      !reader.take("slab, yes or no", row.has_slab, parse_yes_no) || !reader.word("module, a name", module)) {
    return false;
  }
  row.name = name;
  row.module = module;
  if (memory >= 0) row.memory_pages = memory;  // -1: the protocol has no such counter
  return true;
}

}  // namespace

// proto_seq_printf, Linux 2.6.18 to 6.18.
base::Decoded<ProcNetProtocolsRow> decode_proc_net_protocols(std::string_view bytes) {
  return decode_rows<ProcNetProtocolsRow>(bytes, "protocol", read_row);
}

}  // namespace ssnap::decode
