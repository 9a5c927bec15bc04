// The processes that hold sockets, under their parents.
#pragma once

#include <string>

#include "render/view.h"

namespace ssnap::render {

// Every process that holds a socket of `rows`, with the ancestors that lead to it: its user and command line, and its
// sockets, one line each. Children without children of their own that hold the same in the same way are one line. Below
// the tree what has no certain owner, by reason. A command line is cut to the terminal's width, elsewhere after
// kMaxCommandBytes; --format json has all of it.
std::string render_tree(const Rows& rows, const Style& style);

constexpr std::size_t kMaxCommandBytes = 512;
// Lines of one process, and of one reason; a busy proxy has a hundred thousand.
constexpr std::size_t kMaxTreeSockets = 200;
// Further generations stand under each other.
constexpr std::size_t kMaxTreeIndent = 32;

}  // namespace ssnap::render
