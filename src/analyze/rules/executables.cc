#include "analyze/rules/executables.h"

#include <algorithm>
#include <iterator>

namespace ssnap::analyze {

bool is_temporary(const model::Process& process) {
  static constexpr std::string_view kFolders[] = {"/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/", "/run/user/", "/run/lock/", "/var/lock/", "/dev/mqueue/"};
  return process.exe_memfd || (process.exe && std::any_of(std::begin(kFolders), std::end(kFolders),
                                                          [&](std::string_view folder) { return process.exe->starts_with(folder); }));
}

void report_executable(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings, std::uint32_t process, std::string_view what,
                       bool (*counts)(const model::Socket&)) {
  auto sockets = scene.held_sockets(process, counts);
  if (sockets.empty()) return;
  Text text;
  scene.put_process(text, process);
  text << " runs " << *scene.process(process).exe << ", " << what << ", and holds ";
  scene.put_sockets(text, sockets);
  scene.add_evidence(scene.report(findings, rule, text, std::move(sockets), {process}), process, "links", "exe");
}

}  // namespace ssnap::analyze
