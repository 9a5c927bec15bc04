#include "check.h"
#include "decode/fd_listing.h"
#include "decode/link_list.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  const auto decoded = decode_link_list(bytes);
  check_problems(decoded.problems, size);
  check_offsets(decoded.rows, size);
  for (const auto& record : decoded.rows) {
    check(!record.name.empty() && lies_in(record.name, bytes) && lies_in(record.target, bytes));
    check(!(record.mode && record.errno_number));
    (void)inode_of_link(record.target, "socket");
  }
  const auto listed = decode_fd_listing(bytes);
  check_problems(listed.problems, size);
  check_offsets(listed.rows, size);
  for (const auto& record : listed.rows) check(!record.name.empty() && (record.errno_number || lies_in(record.target, bytes)));
  return 0;
}
