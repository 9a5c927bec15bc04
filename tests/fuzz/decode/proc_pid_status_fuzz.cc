#include "check.h"
#include "decode/proc_pid.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const ProcPidStatus status = decode_proc_pid_status(bytes);
  check_problems(status.problems, size);
  check(status.ns_pids.size() <= 33);
  return 0;
}
