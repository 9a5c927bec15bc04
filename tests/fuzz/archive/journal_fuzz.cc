// A journal part. What was read of it can be written, and means the same when it is read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "archive/journal.h"

using namespace ssnap::archive;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMaxEntries = 1000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const JournalPart part = parse_journal(bytes, kMaxEntries);
  if (part.entries.size() > kMaxEntries) __builtin_trap();
  if (!part.link && part.problems.empty()) __builtin_trap();
  std::string text;
  if (part.link) text += to_json_line(*part.link);
  for (const JournalEntry& entry : part.entries) text += to_json_line(entry);
  const JournalPart again = parse_journal(text, kMaxEntries);
  if (again.entries.size() != part.entries.size() || again.link.has_value() != part.link.has_value()) __builtin_trap();
  std::string once_more;
  if (again.link) once_more += to_json_line(*again.link);
  for (const JournalEntry& entry : again.entries) once_more += to_json_line(entry);
  if (once_more != text) __builtin_trap();
  return 0;
}
