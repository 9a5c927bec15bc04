#include "check.h"
#include "decode/proc_pid.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_proc_pid_cgroup(bytes);
  check_problems(decoded.problems, size);
  for (const auto& row : decoded.rows) check(row.controllers.find(':') == std::string::npos);
  return 0;
}
