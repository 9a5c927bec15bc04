#include "render/layout.h"

#include <sstream>

#include "render/escape.h"
#include "support/catch.h"

using namespace ssnap::render;

namespace {

LayoutRow row(std::vector<std::string> cells, std::vector<std::string> last) {
  LayoutRow out;
  for (auto& cell : cells) out.cells.push_back({std::move(cell)});
  for (auto& line : last) out.last.push_back({std::move(line)});
  return out;
}

}  // namespace

TEST_CASE("wrap breaks at blanks only and keeps long words whole") {
  using Lines = std::vector<std::string>;
  CHECK(wrap("one two three", std::nullopt, 2) == Lines{"one two three"});
  CHECK(wrap("one two three", 13, 2) == Lines{"one two three"});
  CHECK(wrap("one two three", 9, 2) == Lines{"one two", "  three"});
  CHECK(wrap("a verylongword b", 6, 2) == Lines{"a", "  verylongword", "  b"});
  CHECK(wrap("└ verylongword x", 6, 2) == Lines{"└ verylongword", "  x"});
  CHECK(wrap("", 1, 2) == Lines{""});
  CHECK(wrap("a  b", 3, 0) == Lines{"a", "b"});
}

TEST_CASE("a cell wider than its column has the rest of the line to itself") {
  const std::vector<LayoutRow> rows = {
      row({"LISTEN", "/run/short"}, {"a[1] fd 3"}),
      row({"LISTEN", "/run/a/very/long/path/that/is/wider/than/its/column"}, {"b[2] fd 3", "└ c[3] fd 4"}),
  };
  CHECK(lay_out({"STATE", "LOCAL", "OWNERS"}, rows, true, std::nullopt, false) ==
        "STATE   LOCAL                                                OWNERS\n"
        "LISTEN  /run/short                                           a[1] fd 3\n"
        "LISTEN  /run/a/very/long/path/that/is/wider/than/its/column  b[2] fd 3\n"
        "                                                             └ c[3] fd 4\n");
  CHECK(lay_out({"STATE", "LOCAL", "OWNERS"}, rows, true, 60, false) ==
        "STATE   LOCAL                             OWNERS\n"
        "LISTEN  /run/short                        a[1] fd 3\n"
        "LISTEN  /run/a/very/long/path/that/is/wider/than/its/column\n"
        "                                          b[2] fd 3\n"
        "                                          └ c[3] fd 4\n");
}

TEST_CASE("columns that don't fit move to indented lines of their row") {
  const std::vector<LayoutRow> rows = {row({"LISTEN", "10.0.0.5:9000", "10.0.0.5 only"}, {"a[1] fd 3"}),
                                       row({"ESTAB", "10.0.0.5:80", ""}, {"b[2] fd 3"})};
  CHECK(lay_out({"STATE", "LOCAL", "REACH", "OWNERS"}, rows, true, 26, false) ==
        "STATE   LOCAL\n"
        "    REACH\n"
        "    OWNERS\n"
        "LISTEN  10.0.0.5:9000\n"
        "    10.0.0.5 only\n"
        "    a[1] fd 3\n"
        "ESTAB   10.0.0.5:80\n"
        "    b[2] fd 3\n");
  CHECK(lay_out({"STATE", "LOCAL", "REACH", "OWNERS"}, rows, false, 30, false) ==
        "LISTEN  10.0.0.5:9000\n"
        "    10.0.0.5 only  a[1] fd 3\n"
        "ESTAB   10.0.0.5:80\n"
        "                   b[2] fd 3\n");
}

TEST_CASE("width is counted in columns, and colour takes none") {
  auto wide = row({"\xe6\x97\xa5\xe6\x9c\xac", "x"}, {"o"});
  wide.cells[0].tint = Tint::bold;
  wide.last[0].tint = Tint::dim;
  CHECK(lay_out({"A", "B", "C"}, {wide, row({"abcd", "y"}, {"p"})}, false, 40, true) ==
        "\x1b[1m\xe6\x97\xa5\xe6\x9c\xac\x1b[0m  x  \x1b[2mo\x1b[0m\nabcd  y  p\n");
}
