#include "check.h"
#include "decode/rtnetlink.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const RtnetlinkDump dump = decode_rtnetlink(bytes);
  check_problems(dump.problems, size);
  check_offsets(dump.links, size);
  check_offsets(dump.addresses, size);
  check_offsets(dump.nsids, size);
  check(dump.end.errno_number >= 0);
  for (const auto& link : dump.links) {
    if (link.info_data) check_span(*link.info_data, size);
  }
  for (const auto& row : dump.addresses) {
    const std::uint8_t length = row.family == 2 ? 4 : 16;
    for (const auto* address : {&row.address, &row.local, &row.broadcast})
      check(!*address || (*address)->length == length);
  }
  return 0;
}
