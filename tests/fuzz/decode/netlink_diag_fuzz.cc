#include "check.h"
#include "decode/netlink_diag.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const unsigned word_bytes : {4u, 8u}) {
    const NetlinkDiagDump dump = decode_netlink_diag(bytes, word_bytes);
    check_problems(dump.problems, size);
    check_offsets(dump.rows, size);
    check(dump.end.errno_number >= 0);
    for (const auto& row : dump.rows) {
      check_unnamed(row.unnamed, size);
      std::uint32_t previous = 0;
      for (const std::uint32_t group : row.groups.value_or(std::vector<std::uint32_t>{})) {
        check(group > previous);
        previous = group;
      }
    }
  }
  return 0;
}
