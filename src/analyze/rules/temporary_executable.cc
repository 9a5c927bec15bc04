// A process with internet sockets whose executable is a memfd, or lies where anybody may write.
#include "analyze/rules/executables.h"
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_temporary_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  find_executables(
      scene, rule, findings, is_temporary, [](const model::Socket& socket) { return is_connected(socket) || is_listener(socket); },
      [](const model::Process& process) {
        return process.exe_memfd ? "runs an executable that is in no file system (" + *process.exe + ')'
                                 : "runs " + *process.exe + ", in a folder that anybody may write to,";
      });
}

}  // namespace ssnap::analyze
