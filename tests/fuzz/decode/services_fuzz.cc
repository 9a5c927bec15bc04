#include "check.h"
#include "decode/host_files.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_services(bytes);
  check_problems(decoded.problems, size);
  for (const auto& row : decoded.rows) check(!row.name.empty() && !row.protocol.empty());
  const auto protocols = decode_protocols(bytes);
  check_problems(protocols.problems, size);
  for (const auto& row : protocols.rows) check(!row.name.empty());
  const auto range = decode_ip_local_port_range(bytes);
  check(!range || size >= 4);
  return 0;
}
