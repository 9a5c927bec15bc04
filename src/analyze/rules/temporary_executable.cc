// A process with internet sockets whose executable is a memfd, or lies where anybody may write.
#include "analyze/rules/executables.h"
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_temporary_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i)
    if (is_temporary(scene.process(i)))
      report_executable(scene, rule, findings, i, scene.process(i).exe_memfd ? "which was in no file system" : "in a folder that anybody may write to",
                        [](const model::Socket& socket) { return is_connected(socket) || is_listener(socket); });
}

}  // namespace ssnap::analyze
