#include "check.h"
#include "decode/byte_order_signs.h"
#include "decode/proc_net_inet.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    const auto decoded = decode_proc_net_inet(bytes, order);
    check_problems(decoded.problems, size);
    check_offsets(decoded.rows, size);
    for (const auto& row : decoded.rows) check(row.local.length == row.peer.length && row.local.length != 0);
  }
  // The same bytes as tables that tell the byte order.
  ByteOrderSigns signs;
  for (const char* table : {"if_inet6", "tcp6", "route", "igmp"}) signs.look_at(table, bytes);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big})
    if (const auto& sign = signs.first(order)) check(sign->offset < size && !sign->word.empty() && signs.matters());
  return 0;
}
