// How text for people is shown on what standard output is.
#pragma once

#include "render/view.h"

namespace ssnap::cli {

// Width and colour of the terminal; neither where it is none.
render::Style terminal_style();

}  // namespace ssnap::cli
