#include "check.h"
#include "decode/packet_diag.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const PacketDiagDump dump = decode_packet_diag(bytes);
  check_problems(dump.problems, size);
  check_offsets(dump.rows, size);
  check(dump.end.errno_number >= 0);
  for (const auto& row : dump.rows) {
    check_unnamed(row.unnamed, size);
    if (!row.memberships) continue;
    for (const auto& membership : *row.memberships) check(membership.address.size() <= 32);
  }
  return 0;
}
