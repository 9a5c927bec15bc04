#include "check.h"
#include "decode/inet_diag.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const InetDiagDump dump = decode_inet_diag(bytes);
  check_problems(dump.problems, size);
  check_offsets(dump.rows, size);
  check(dump.end.errno_number >= 0);
  for (const auto& row : dump.rows) {
    check((row.family == 2 && row.local.is_v4() && row.peer.is_v4()) ||
          (row.family == 10 && row.local.is_v6() && row.peer.is_v6()));
    if (!row.attributes) continue;
    const auto& attributes = *row.attributes;
    check(attributes.congestion.find('\0') == std::string::npos);
    if (attributes.info) check_span(*attributes.info, size);
    if (attributes.congestion_info) check_span(attributes.congestion_info->bytes, size);
    if (!attributes.extras) continue;
    check_unnamed(attributes.extras->unnamed, size);
    if (attributes.extras->bpf_storages) check_span(*attributes.extras->bpf_storages, size);
    for (const auto& address : attributes.extras->locals)
      check(address.address.length == (address.family == 2 ? 4 : address.family == 10 ? 16 : 0));
  }
  return 0;
}
