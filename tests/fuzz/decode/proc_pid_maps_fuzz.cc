#include "check.h"
#include "decode/proc_pid_maps.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const ProcPidMaps maps = decode_proc_pid_maps(bytes);
  check_problems(maps.problems, size);
  for (std::size_t i = 1; i < maps.socket_inodes.size(); ++i) check(maps.socket_inodes[i - 1] < maps.socket_inodes[i]);
  return 0;
}
