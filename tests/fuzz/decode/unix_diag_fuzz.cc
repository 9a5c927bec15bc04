#include "check.h"
#include "decode/unix_diag.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const UnixDiagDump dump = decode_unix_diag(bytes);
  check_problems(dump.problems, size);
  check_offsets(dump.rows, size);
  check(dump.end.errno_number >= 0);
  return 0;
}
