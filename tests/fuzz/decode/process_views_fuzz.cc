#include "check.h"
#include "decode/process_views.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  check_problems(decode_process_counts(bytes).problems, size);
  const ProcessProbe probe = decode_process_probe(bytes);
  check_problems(probe.problems, size);
  check_offsets(probe.unlisted, size);
  check(probe.first.has_value() == probe.last.has_value());
  check(!probe.first || (*probe.first > 0 && *probe.first <= *probe.last));
  for (const auto pid : probe.alive) check(pid > 0);
  for (const auto& item : probe.unlisted) check(item.pid > 0);
  return 0;
}
