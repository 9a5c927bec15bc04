// Comma-separated values (RFC 4180): a header line, then a line a socket; lines end with CR LF.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "render/view.h"

namespace ssnap::render {

// The columns that `--fields` replaces.
const std::vector<std::string>& default_csv_fields();

// `fields`: names of fields (render/fields.h), which are the header too. A cell that a spreadsheet would take for a
// formula (it begins with = + - @) gets a ' in front.
std::string render_csv(const Rows& rows, const std::vector<std::string>& fields, bool header);
// A line of cells, each quoted where it must be, with its end.
void append_csv_line(std::string& out, const std::vector<std::string>& cells);
// One cell, quoted where it must be.
std::string csv_cell(std::string_view text);

}  // namespace ssnap::render
