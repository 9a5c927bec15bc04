// The default view for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "render/sink.h"
#include "render/view.h"

namespace ssnap::render {

void render_table(const Rows& rows, const Style& style, const Sink& sink);
std::string render_table(const Rows& rows, const Style& style);

// The cell of a column by its title in lower case ("local", "reach", "owners"), escaped; nullopt: there is no such column.
std::optional<std::string> table_cell(const model::Snapshot& snapshot, const model::Socket& socket, std::string_view column);
// The same sockets with columns of the caller's choice: titles of the table's own in lower case, and fields
// (render/fields.h); one row a socket.
std::string render_fields_table(const Rows& rows, const std::vector<std::string>& names, const Style& style);

}  // namespace ssnap::render
