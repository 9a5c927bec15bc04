// What holds for every input of a decoder; a violation ends the process, which libFuzzer and the driver
// report.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "decode/attribute_span.h"

namespace ssnap::decode::fuzz {

inline void check(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Problems lie inside the input, are bounded in number and length, and hold nothing that a terminal could
// obey.
inline void check_problems(const base::Problems& problems, std::size_t input_size) {
  check(problems.kept.size() <= base::Problems::kMaxProblemsKept);
  check(problems.kept.size() <= problems.total);
  for (const auto& problem : problems.kept) {
    check(problem.offset <= input_size);
    check(!problem.message.empty() && problem.message.size() < 400);
    for (const char c : problem.message) check(c >= ' ' && c <= '~');
  }
}

// Rows lie inside the input, in its order.
template <class Rows>
void check_offsets(const Rows& rows, std::size_t input_size) {
  std::uint64_t previous = 0;
  bool first = true;
  for (const auto& row : rows) {
    check(row.offset < input_size);
    check(first || row.offset > previous);
    previous = row.offset;
    first = false;
  }
}

inline bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline void check_span(const ByteSpan& span, std::size_t input_size) {
  check(span.offset <= input_size && span.length <= input_size - span.offset);
}

inline void check_unnamed(const std::vector<UnnamedAttribute>& unnamed, std::size_t input_size) {
  check(unnamed.size() <= 256);
  for (const auto& attribute : unnamed) check_span(attribute.payload, input_size);
}

}  // namespace ssnap::decode::fuzz
