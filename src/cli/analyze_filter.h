// FILTER, --count and --expect of `ssnap analyze`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "analyze/filter.h"

namespace ssnap::cli {

// --expect: how many rows there should be.
struct Expectation {
  std::uint64_t least = 0;
  std::optional<std::uint64_t> most;  // absent: no limit
  std::string text;                   // as written

  bool met(std::uint64_t rows) const { return rows >= least && (!most || rows <= *most); }
};

// N, N..M, N.., ..M. Throws Failure(usage).
Expectation parse_expectation(const std::string& text);

// Throws Failure: usage where FILTER is none, failed where it names what the snapshot doesn't have.
analyze::FilterSyntax read_filter(const std::vector<std::string>& words, analyze::HostFamily unprefixed);
analyze::Filter look_up_filter(const analyze::FilterSyntax& syntax, const model::Snapshot& snapshot);

// What --count and --expect make of the rows that a view shows.
struct RowCount {
  bool only_count = false;                  // --count: a number in the place of the view
  std::optional<Expectation> expectation;   // --expect
};
// Prints `view`, or the number of its rows. Returns false where they are not as expected, and says so; where there was
// no view, the rows that surprise are shown with it.
bool print_rows(const RowCount& count, std::uint64_t rows, std::string_view view);

}  // namespace ssnap::cli
