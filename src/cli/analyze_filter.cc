#include "cli/analyze_filter.h"

#include <vector>

#include "base/text_cursor.h"
#include "cli/command.h"

namespace ssnap::cli {

using base::ExitCode;
using base::Failure;

Expectation parse_expectation(const std::string& text) {
  const auto wrong = [&] { return Failure(ExitCode::usage, "--expect takes N, N..M, N.. or ..M, not '" + text + "'"); };
  const auto number = [&](std::string_view field) {
    const auto value = base::parse_integer<std::uint64_t>(field);
    if (!value) throw wrong();
    return *value;
  };
  Expectation expectation;
  expectation.text = text;
  const std::string_view whole = text;
  const auto dots = whole.find("..");
  if (dots == std::string_view::npos) {
    expectation.least = number(whole);
    expectation.most = expectation.least;
    return expectation;
  }
  const std::string_view least = whole.substr(0, dots), most = whole.substr(dots + 2);
  if (least.empty() && most.empty()) throw wrong();
  if (!least.empty()) expectation.least = number(least);
  if (!most.empty()) expectation.most = number(most);
  if (expectation.most && *expectation.most < expectation.least) throw wrong();
  return expectation;
}

analyze::FilterSyntax read_filter(const std::vector<std::string>& words, analyze::HostFamily unprefixed) {
  auto syntax = analyze::parse_filter(words, unprefixed);
  if (syntax.has_error()) throw Failure(ExitCode::usage, syntax.error().message);
  return std::move(*syntax);
}

analyze::Filter look_up_filter(const analyze::FilterSyntax& syntax, const model::Snapshot& snapshot) {
  auto filter = analyze::resolve_filter(syntax, snapshot);
  if (filter.has_error()) throw Failure(ExitCode::failed, filter.error().message);
  return std::move(*filter);
}

bool print_rows(const RowCount& count, std::uint64_t rows, std::string_view view) {
  print(count.only_count ? std::to_string(rows) + "\n" : view);
  if (!count.expectation || count.expectation->met(rows)) return true;
  say("expected " + count.expectation->text + (count.expectation->text == "1" ? " row" : " rows") + ", there " +
      (rows == 1 ? "is 1" : "are " + std::to_string(rows)));
  if (count.only_count && rows > 0) print_error(view);
  return false;
}

}  // namespace ssnap::cli
