// A connection of a process whose executable has been deleted, or replaced.
#include "analyze/rules/executables.h"
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_deleted_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i)
    if (scene.process(i).exe_deleted && !is_temporary(scene.process(i)))
      report_executable(scene, rule, findings, i, "which is no longer there", is_connected);
}

}  // namespace ssnap::analyze
