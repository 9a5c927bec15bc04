// Work in parts by two threads: every row once, in order.
#include "render/in_order.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "render/layout.h"
#include "support/catch.h"

using namespace ssnap::render;

TEST_CASE("parts come in the order of the rows, each row once") {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kRowsAtOnce, kRowsAtOnce + 1, 2 * kRowsAtOnce, 5 * kRowsAtOnce + 7}) {
    std::vector<std::size_t> rows;
    const auto make = [](std::size_t begin, std::size_t end) {
      std::vector<std::size_t> part;
      for (std::size_t i = begin; i < end; ++i) part.push_back(i);
      return part;
    };
    in_order(count, make, [&](const std::vector<std::size_t>& part) { rows.insert(rows.end(), part.begin(), part.end()); });
    REQUIRE(rows.size() == count);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(rows[i] == i);
  }
}

TEST_CASE("a part that fails ends the work with its error") {
  const auto make = [](std::size_t begin, std::size_t) -> int {
    if (begin != 0) throw std::runtime_error("second part");
    return 1;
  };
  int used = 0;
  CHECK_THROWS_AS(in_order(3 * kRowsAtOnce, make, [&](int part) { used += part; }), std::runtime_error);
  CHECK(used == 1);
}

TEST_CASE("a table of many parts is that of its rows") {
  const std::size_t count = 3 * kRowsAtOnce + 5;
  // The widest cell is in the last part, and moves the columns of all.
  const auto make = [&](std::size_t i, bool) {
    LayoutRow row;
    row.cells.push_back({i + 1 == count ? "widest of all" : std::to_string(i)});
    row.last.push_back({"row " + std::to_string(i)});
    return row;
  };
  std::string expected;
  for (std::size_t i = 0; i < count; ++i) {
    std::string cell = make(i, true).cells[0].text;
    cell.resize(13 + 2, ' ');
    expected += cell + "row " + std::to_string(i) + '\n';
  }
  CHECK(collect([&](const Sink& sink) { lay_out({"A", "B"}, count, make, false, std::nullopt, false, sink); }) == expected);
}
