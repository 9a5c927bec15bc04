// A manifest. Each line that was read is the line that would be written, and stands where it says.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "archive/manifest.h"

using namespace ssnap::archive;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto manifest = parse_manifest(bytes);
  std::uint64_t after = 0;
  for (const ManifestLine& line : manifest.rows) {
    if (line.offset < after) __builtin_trap();
    const auto text = to_manifest_line(line.sha256, line.name);
    if (bytes.substr(line.offset, text.size()) != text) __builtin_trap();
    after = line.offset + text.size();
  }
  if (manifest.rows.empty() && manifest.problems.empty() && size != 0) __builtin_trap();
  return 0;
}
