#include "check.h"
#include "decode/proc_pid.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto stat = decode_proc_pid_stat(bytes);
  if (stat) {
    check(stat->comm.size() < size);
  } else {
    for (const char c : stat.error().message) check(c >= 32 && c < 127);
  }
  return 0;
}
