#include "check.h"
#include "decode/dirents.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const auto order : {ssnap::base::ByteOrder::little, ssnap::base::ByteOrder::big}) {
    const auto decoded = decode_dirents(bytes, order);
    check_problems(decoded.problems, size);
    check_offsets(decoded.rows, size);
    for (const auto& entry : decoded.rows) {
      check(lies_in(entry.name, bytes) && entry.name.find('\0') == std::string_view::npos);
      check(entry.record_bytes > entry.name.size() && entry.offset + entry.record_bytes <= size);
    }
  }
  return 0;
}
