// What a decoder could not read: said once, beside everything that it could.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ssnap::base {

struct Problem {
  std::uint64_t offset = 0;  // bytes from the start of the member
  std::string message;       // what was expected, what was found, what was kept
};

// A list of problems that a hostile member can't blow up: the first kMaxProblemsKept are kept, all are counted.
struct Problems {
  // Enough to see the pattern of a damaged file; a million bad lines need no million messages.
  static constexpr std::size_t kMaxProblemsKept = 100;

  std::vector<Problem> kept;
  std::uint64_t total = 0;

  void add(std::uint64_t offset, std::string message) {
    ++total;
    if (kept.size() < kMaxProblemsKept) kept.push_back({offset, std::move(message)});
  }
  bool empty() const { return total == 0; }
};

// What a decoder of a table returns: the rows that it could read and the problems with those that it couldn't.
template <class Row>
struct Decoded {
  std::vector<Row> rows;
  Problems problems;
};

}  // namespace ssnap::base
