// verify. The input is read as an archive, and as the tar of one, cut into frames at every 0xff byte and sealed as it should
// be: so the checks behind the seal are reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "archive/reader.h"
#include "archive/seal.h"
#include "archive/verify.h"
#include "archive/zstd_frame.h"
#include "base/sha256.h"

using namespace ssnap;
using namespace ssnap::archive;

namespace {

void check(std::string_view file) {
  ReadLimits limits;  // so that one input takes milliseconds
  limits.output_allowance_bytes = 4 * kMiB;
  limits.ratio = 100;
  const VerifyReport report = verify_archive(file, limits);
  if (report.findings.size() > kMaxFindings || report.findings.size() > report.finding_count) __builtin_trap();
  if (report.findings.empty() != (report.finding_count == 0)) __builtin_trap();
  if ((report.verdict() == Verdict::intact) != (report.finding_count == 0)) __builtin_trap();
  if (report.verdict() == Verdict::intact && (!report.sealed || report.manifest_lines + 1 != report.members)) __builtin_trap();
  if (report.chained_bytes > file.size()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes);
  static FrameCompressor compressor(1);
  std::string file;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\xff'), rest.size());
    file += compressor.compress(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  check(file + to_frame({file.size(), base::sha256_hex(file)}));
  return 0;
}
