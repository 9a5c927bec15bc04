#include "check.h"
#include "decode/structure.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  check_problems(check_sock_diag_structure(bytes), size);
  for (const bool tcp4 : {true, false}) check_problems(check_proc_net_tcp_structure(bytes, tcp4), size);
  return 0;
}
