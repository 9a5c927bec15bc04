// What stands above and below a view for people: host, time and coverage; what was selected, and the gaps.
#pragma once

#include <string>
#include <string_view>

#include "render/layout.h"
#include "render/view.h"

namespace ssnap::render {

// `text` in lines that fit the terminal, each with its end.
std::string paragraph(std::string_view text, const Style& style, Tint tint);
// "web1 · 2026-11-21 19:42:07Z · ...", INCOMPLETE where it is, and an empty line; "" without a header.
std::string head(const Rows& rows, const Style& style);
// "3 of 214 sockets shown. ... No gaps."; "" without a header. `what`, where there is one, instead of the first sentence.
std::string foot(const Rows& rows, const Style& style, bool after_something, std::string_view what = {});

}  // namespace ssnap::render
