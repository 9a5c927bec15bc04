// SNAPSHOT of the command line, as all commands open it: what a stranger wrote is read with no right left that reading doesn't
// take (docs/adr/0015).
#pragma once

#include <string>
#include <vector>

#include "archive/input.h"
#include "base/error.h"

namespace ssnap::cli {

// Throws Failure.
archive::Input open_input(const std::string& path);
// And gives up all rights but to read it, or all of them, and to answer.
archive::Input open_input_confined(const std::string& path);
std::vector<archive::Input> open_inputs_confined(const std::vector<std::string>& paths);

// For what could not be read or made: the message, and for root, who loses root's rights over others' files, why.
[[noreturn]] void fail(const base::Error& error);

}  // namespace ssnap::cli
