#include "check.h"
#include "decode/proc_net_unix.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_proc_net_unix(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& row : decoded.rows) {
    if (row.path) check(row.path->find('\n') == std::string::npos);
  }
  return 0;
}
