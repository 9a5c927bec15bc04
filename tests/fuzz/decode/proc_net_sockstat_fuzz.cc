#include "check.h"
#include "decode/proc_net_sockstat.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_proc_net_sockstat(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  (void)decode_proc_net_snmp_value(bytes, "Tcp", "CurrEstab");
  return 0;
}
