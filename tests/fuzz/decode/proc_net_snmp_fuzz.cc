#include "check.h"
#include "decode/proc_net_snmp.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto sections = decode_proc_net_snmp(bytes);
  check_problems(sections.problems, size);
  check_offsets(sections.rows, size);
  for (const auto& section : sections.rows) check(!section.name.empty());
  const auto lines = decode_proc_net_snmp6(bytes);
  check_problems(lines.problems, size);
  check(lines.rows.size() <= 1);
  return 0;
}
