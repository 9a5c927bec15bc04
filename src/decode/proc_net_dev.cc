#include "decode/proc_net_dev.h"

#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

//     lo:    6534      58    0    0    0     0          0         0     6534      58    0    0    0     0       0          0
// The name may touch its first number; it holds no ':' itself (dev_valid_name).
void read_line(const base::Line& line, base::Decoded<ProcNetDevRow>& decoded) {
  if (line.text.find('|') != std::string_view::npos) return;  // the two lines of titles
  const std::size_t colon = line.text.find(':');
  const auto name = base::TextCursor(line.text.substr(0, colon)).word();
  if (colon == std::string_view::npos || !name) {
    decoded.problems.add(line.offset, expected_found("a name and ':'", line.text, "row skipped"));
    return;
  }
  ProcNetDevRow row;
  row.offset = line.offset;
  row.name = *name;
  base::Line rest = line;
  rest.text.remove_prefix(colon + 1);
  rest.offset += colon + 1;
  RowReader reader(rest, decoded.problems);
  for (std::uint64_t* value : {&row.rx_bytes, &row.rx_packets, &row.rx_errors, &row.rx_dropped, &row.rx_fifo, &row.rx_frame,
                               &row.rx_compressed, &row.rx_multicast, &row.tx_bytes, &row.tx_packets, &row.tx_errors,
                               &row.tx_dropped, &row.tx_fifo, &row.tx_collisions, &row.tx_carrier, &row.tx_compressed})
    if (!reader.number("16 decimal numbers", *value)) return;
  decoded.rows.push_back(std::move(row));
}

}  // namespace

// Linux 2.6.18 to 7.2.
base::Decoded<ProcNetDevRow> decode_proc_net_dev(std::string_view bytes) {
  return decode_lines<ProcNetDevRow>(bytes, {}, read_line);
}

}  // namespace ssnap::decode
