// Instead of sandbox.cc where there is none: on other systems, and where a build is without it (a sanitizer's own runtime opens
// files, traces its process and maps what it likes).
#include "sandbox/sandbox.h"

namespace ssnap::sandbox {

Report enter(const Keep&) { return {}; }

std::string describe() { return "none in this build"; }

}  // namespace ssnap::sandbox
