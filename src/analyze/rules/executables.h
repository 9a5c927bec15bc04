// What the rules about executables share.
#pragma once

#include <vector>

#include "analyze/rules/scene.h"

namespace ssnap::analyze {

// In memory only, or in a folder that anybody may write to and that is emptied at a restart or now and then.
bool is_temporary(const model::Process& process);

// One finding for the process if it holds sockets that `counts`: "a[1] of root (uid 0) runs WHAT and holds tcp ...".
void report_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings, std::uint32_t process, std::string_view what,
                       bool (*counts)(const model::Socket&));

}  // namespace ssnap::analyze
