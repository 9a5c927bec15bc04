// -s of the default view: how many sockets there are of each protocol, in which states.
#pragma once

#include <string>

#include "render/view.h"

namespace ssnap::render {

std::string render_summary(const Rows& rows);

}  // namespace ssnap::render
