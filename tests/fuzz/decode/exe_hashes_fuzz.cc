#include "check.h"
#include "decode/exe_hashes.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_exe_hashes(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& row : decoded.rows) {
    check(row.sha256.size() == 64 && row.pid > 0);
    check(lies_in(row.sha256, bytes) && lies_in(row.target, bytes));
  }
  return 0;
}
