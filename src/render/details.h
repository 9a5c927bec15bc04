// What a socket has beside its row in the table: the lines that -o -m -i -b --tos --cgroup --inet-sockopt ask for.
#pragma once

#include <string>
#include <vector>

#include "render/view.h"

namespace ssnap::render {

// Escaped for a terminal. A detail that the socket doesn't have makes no line.
std::vector<std::string> detail_lines(const model::Snapshot& snapshot, const model::Socket& socket, const Details& details);

// The options that are set in SocketDetails::sockopt.
std::vector<std::string_view> sockopt_names(std::uint16_t bits);

}  // namespace ssnap::render
