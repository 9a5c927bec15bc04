#include "check.h"
#include "decode/mountinfo.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_mountinfo(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& row : decoded.rows) {
    check(!row.root.empty() && !row.mount_point.empty());
    (void)netns_of_mount(row);
  }
  return 0;
}
