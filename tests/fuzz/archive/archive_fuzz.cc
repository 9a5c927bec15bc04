// Everything that reads an archive's bytes: the container, and the files that the format itself defines. Whatever comes
// out of the container goes into their parsers as well. The input is read as an archive and, since a mutation seldom
// survives a checksum, once more as the tar inside one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "archive/capture_info.h"
#include "archive/journal.h"
#include "archive/manifest.h"
#include "archive/reader.h"
#include "archive/zstd_frame.h"

namespace {

using namespace ssnap::archive;

void parse_all(std::string_view bytes) {
  // What was read must be writable and mean the same.
  if (const auto info = parse_capture_info(bytes); info && !parse_capture_info(to_json(*info))) __builtin_trap();
  if (const auto end = parse_end_info(bytes); end && !parse_end_info(to_json(*end))) __builtin_trap();
  const auto journal = parse_journal(bytes);
  for (const auto& entry : journal.entries) (void)to_json_line(entry);
  (void)parse_manifest(bytes);
}

void read(std::string_view archive) {
  ReadLimits limits;  // so that one input takes milliseconds
  limits.output_allowance_bytes = 4 * kMiB;
  limits.ratio = 100;
  std::uint64_t members = 0;
  const auto report = read_archive(
      archive,
      [&](const Member& member) {
        ++members;
        if (member.bytes.size() <= 64 * kKiB) parse_all(member.bytes);
      },
      limits);
  if (members != report.members) __builtin_trap();
  if (!report.sealed && report.problems.empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  parse_all(bytes);
  read(bytes);
  static FrameCompressor compressor(1);
  read(compressor.compress(bytes));
  return 0;
}
