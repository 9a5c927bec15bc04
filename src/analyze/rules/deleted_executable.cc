// A connection of a process whose executable has been deleted, or replaced.
#include "analyze/rules/executables.h"
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_deleted_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  find_executables(
      scene, rule, findings, [](const model::Process& process) { return process.exe_deleted && !is_temporary(process); },
      [](const model::Socket& socket) { return is_connected(socket); },
      [](const model::Process& process) { return "runs an executable that is no longer there, " + *process.exe + ','; });
}

}  // namespace ssnap::analyze
