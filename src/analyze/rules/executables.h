// What the rules about executables share.
#pragma once

#include <functional>
#include <vector>

#include "analyze/rules/scene.h"

namespace ssnap::analyze {

// In memory only, or in a folder that anybody may write to and that is emptied at a restart or now and then.
bool is_temporary(const model::Process& process);

// One finding for each process of which `applies` holds, with those of its sockets that `counts` does; `what` ends the sentence
// "a[1] of root (uid 0) ... : tcp ...".
void find_executables(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings, const std::function<bool(const model::Process&)>& applies,
                      const std::function<bool(const model::Socket&)>& counts, const std::function<std::string(const model::Process&)>& what);

}  // namespace ssnap::analyze
