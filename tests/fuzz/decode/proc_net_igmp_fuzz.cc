#include "check.h"
#include "decode/proc_net_igmp.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    const auto decoded = decode_proc_net_igmp(bytes, order);
    check_problems(decoded.problems, size);
    check_offsets(decoded.rows, size);
    for (const auto& row : decoded.rows) check(row.group.is_v4() && !row.interface.empty());
  }
  const auto decoded = decode_proc_net_igmp6(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& row : decoded.rows) check(row.group.is_v6() && !row.interface.empty());
  return 0;
}
