#include "check.h"
#include "decode/proc_net_sctp.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto endpoints = decode_proc_net_sctp_eps(bytes);
  check_problems(endpoints.problems, size);
  check_offsets(endpoints.rows, size);
  const auto associations = decode_proc_net_sctp_assocs(bytes);
  check_problems(associations.problems, size);
  check_offsets(associations.rows, size);
  for (const auto& row : associations.rows) check(!row.primary_peer || row.primary_peer->length != 0);
  return 0;
}
