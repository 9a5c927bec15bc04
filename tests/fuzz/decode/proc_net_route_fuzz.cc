#include "check.h"
#include "decode/proc_net_route.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    const auto decoded = decode_proc_net_route(bytes, order);
    check_problems(decoded.problems, size);
    check_offsets(decoded.rows, size);
    for (const auto& row : decoded.rows) check(row.destination.is_v4() && row.gateway.is_v4() && row.mask.is_v4());
  }
  const auto decoded = decode_proc_net_ipv6_route(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& row : decoded.rows) check(row.destination.is_v6() && row.gateway.is_v6());
  return 0;
}
