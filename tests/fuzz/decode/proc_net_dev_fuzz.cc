#include "check.h"
#include "decode/proc_net_dev.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto decoded = decode_proc_net_dev(as_text(data, size));
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& row : decoded.rows) check(!row.name.empty());
  return 0;
}
