#include "check.h"
#include "decode/smc_diag.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const SmcDiagDump dump = decode_smc_diag(bytes);
  check_problems(dump.problems, size);
  check_offsets(dump.rows, size);
  check(dump.end.errno_number >= 0);
  for (const auto& row : dump.rows) {
    check_unnamed(row.unnamed, size);
    check(row.local.length == row.peer.length && row.local.length != 0);
    for (const auto* span : {&row.connection_info, &row.link_group_info, &row.dmb_info}) {
      if (*span) check_span(**span, size);
    }
  }
  return 0;
}
