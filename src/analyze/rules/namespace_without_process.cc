// Network namespaces in which no process is, and which have listeners or connections all the same.
#include <set>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_namespace_without_process(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  const auto& namespaces = scene.snapshot.namespaces;
  std::set<std::uint64_t> inhabited;
  for (const auto& process : scene.snapshot.processes)
    if (const auto net = process.namespaces.find("net"); net != process.namespaces.end()) inhabited.insert(net->second);
  // Of a thread that is elsewhere than its process only the finding place tells; of one that was not read nothing does.
  const auto is_inhabited = [&](const model::Namespace& netns) {
    return netns.own || netns.unknown || netns.inode == 0 || inhabited.contains(netns.inode) || netns.how.starts_with("thread ") ||
           netns.how.starts_with("a process");
  };
  std::vector<std::vector<std::uint32_t>> sockets(namespaces.size());
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    const bool kernels = socket.ownerless_reason && socket.ownerless_reason->code == model::OwnerlessCode::kernel;
    if (socket.netns < namespaces.size() && (is_listener(socket) || is_connected(socket)) && !kernels) sockets[socket.netns].push_back(i);
  }
  for (std::size_t n = 0; n < namespaces.size(); ++n) {
    if (sockets[n].empty() || is_inhabited(namespaces[n])) continue;
    std::string sentence = "no process is in network namespace " + std::to_string(namespaces[n].inode);
    if (!namespaces[n].name.empty()) sentence += ", " + namespaces[n].name;
    if (!namespaces[n].how.empty()) sentence += " (" + namespaces[n].how + ')';
    sentence += ", and yet it has " + count(sockets[n].size(), "listener or connection", "listeners and connections") + ": " +
                scene.socket(sockets[n].front()) + " of " + scene.holders(sockets[n].front());
    if (sockets[n].size() > 1) sentence += ", and more";
    std::vector<std::uint32_t> processes;
    for (const auto socket : sockets[n]) {
      const auto holders = scene.holding_processes(socket);
      processes.insert(processes.end(), holders.begin(), holders.end());
    }
    findings.push_back(scene.finding(rule, std::move(sentence), sockets[n], std::move(processes)));
  }
}

}  // namespace ssnap::analyze
