// capture.json and end.json. What was read can be written, and means the same when it is read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "archive/capture_info.h"

using namespace ssnap::archive;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto info = parse_capture_info(bytes)) {
    const auto text = to_json(*info);
    const auto again = parse_capture_info(text);
    if (!again || to_json(*again) != text) __builtin_trap();
  }
  if (const auto end = parse_end_info(bytes)) {
    const auto text = to_json(*end);
    const auto again = parse_end_info(text);
    if (!again || to_json(*again) != text) __builtin_trap();
  }
  return 0;
}
