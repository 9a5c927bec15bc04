#include "check.h"
#include "decode/proc_pid.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto arguments = decode_proc_pid_cmdline(bytes);
  std::size_t total = 0;
  for (const auto& argument : arguments) total += argument.size() + 1;
  // Every byte is in an argument or ended one; the last one may lack its NUL.
  check(total == size || total == size + 1);
  return 0;
}
