#include "check.h"
#include "decode/proc_pid_fdinfo.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const ProcPidFdinfo info = decode_proc_pid_fdinfo(bytes);
  check_problems(info.problems, size);
  check(!info.user_files || (info.is_ring && *info.user_files <= 1u << 20));
  std::uint64_t next = 0;
  for (const auto& file : info.registered) {
    check(file.place >= next && file.place < info.user_files.value_or(0));
    check(file.name.find('\n') == std::string::npos);
    next = std::uint64_t{file.place} + 1;
  }
  return 0;
}
