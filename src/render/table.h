// The default view for people.
#pragma once

#include <string>

#include "render/view.h"

namespace ssnap::render {

std::string render_table(const Rows& rows, const Style& style);

}  // namespace ssnap::render
