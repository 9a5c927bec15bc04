#include "check.h"
#include "decode/host_files.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  (void)decode_proc_stat_btime(bytes);
  return 0;
}
