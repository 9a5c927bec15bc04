// Text in columns that never touch, for a terminal of any width or for none.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "render/sink.h"

namespace ssnap::render {

enum class Tint : std::uint8_t { none, bold, dim };

// One line of a cell, escaped: it holds no control character.
struct CellLine {
  std::string text;
  Tint tint = Tint::none;
};

// A row: one line for each column but the last, which may have several.
struct LayoutRow {
  std::vector<CellLine> cells;
  std::vector<CellLine> last;
};

// `titles` has one entry per column; empty rows are allowed. Without a width every row's columns stand side
// by side and nothing is wrapped. With one, in this order: the last column is wrapped at blanks, columns are
// capped (a longer cell has the rest of its line to itself, and what follows continues below in its own
// place), and columns that still don't fit move to further, indented lines of their row. Nothing is ever cut:
// a word wider than the terminal stays whole.
std::string lay_out(const std::vector<std::string_view>& titles, const std::vector<LayoutRow>& rows,
                    bool header, std::optional<int> width, bool colour);

// The same for rows that are made where they are needed, each twice: to measure it, then to write it. While it is measured
// its last column is only asked for where there is a width. Two threads call `make` at once.
using RowMaker = std::function<LayoutRow(std::size_t row, bool with_last)>;
void lay_out(const std::vector<std::string_view>& titles, std::size_t rows, const RowMaker& make, bool header,
             std::optional<int> width, bool colour, const Sink& sink);

// `text` in lines of at most `width` columns, broken at blanks; the second and further ones begin with `hang`
// blanks.
std::vector<std::string> wrap(std::string_view text, std::optional<int> width, int hang);

}  // namespace ssnap::render
