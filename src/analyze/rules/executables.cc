#include "analyze/rules/executables.h"

#include <algorithm>
#include <iterator>

namespace ssnap::analyze {

bool is_temporary(const model::Process& process) {
  static constexpr std::string_view kFolders[] = {"/tmp/", "/var/tmp/", "/dev/shm/", "/run/shm/", "/run/user/", "/run/lock/", "/var/lock/", "/dev/mqueue/"};
  return process.exe_memfd || (process.exe && std::any_of(std::begin(kFolders), std::end(kFolders),
                                                          [&](std::string_view folder) { return process.exe->starts_with(folder); }));
}

void find_executables(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings, const std::function<bool(const model::Process&)>& applies,
                      const std::function<bool(const model::Socket&)>& counts, const std::function<std::string(const model::Process&)>& what) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    const auto& process = scene.snapshot.processes[i];
    if (!process.exe || !applies(process)) continue;
    std::vector<std::uint32_t> sockets;
    for (const auto& holding : scene.holdings(i))
      if (counts(scene.snapshot.sockets[holding.socket])) sockets.push_back(holding.socket);
    std::sort(sockets.begin(), sockets.end());
    sockets.erase(std::unique(sockets.begin(), sockets.end()), sockets.end());
    if (sockets.empty()) continue;
    std::string sentence = scene.process_at_home(i) + ' ' + what(process) + " and holds " + scene.socket(sockets.front());
    if (sockets.size() > 1) sentence += " and " + std::to_string(sockets.size() - 1) + " more";
    auto finding = scene.finding(rule, std::move(sentence), std::move(sockets), {i});
    scene.add_evidence(finding, i, "links", "exe");
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
