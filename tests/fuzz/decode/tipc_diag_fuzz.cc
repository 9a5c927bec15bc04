#include "check.h"
#include "decode/tipc_diag.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const TipcDiagDump dump = decode_tipc_diag(bytes);
  check_problems(dump.problems, size);
  check_offsets(dump.rows, size);
  check(dump.end.errno_number >= 0);
  for (const auto& row : dump.rows) {
    check_unnamed(row.unnamed, size);
    if (row.group) check_span(*row.group, size);
  }
  return 0;
}
