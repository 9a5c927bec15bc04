// Network namespaces in which no process is, and which have listeners or connections all the same.
#include <algorithm>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
void find_namespace_without_process(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  const auto& snapshot = scene.snapshot;
  std::vector<std::uint64_t> inhabited;
  for (const auto& process : snapshot.processes)
    if (const auto net = process.namespaces.find("net"); net != process.namespaces.end()) inhabited.push_back(net->second);
  std::sort(inhabited.begin(), inhabited.end());
  for (std::uint32_t n = 0; n < snapshot.namespaces.size(); ++n) {
    const auto& netns = snapshot.namespaces[n];
    if (netns.own || netns.unknown || netns.inode == 0 || std::binary_search(inhabited.begin(), inhabited.end(), netns.inode)) continue;
    // Of a thread that is elsewhere than its process only the finding place tells; of one that was not read nothing does.
    if (netns.how.starts_with("thread ") || netns.how.starts_with("a process")) continue;
    Indexes sockets, processes;
    for (auto [i, end] = scene.sockets_in(n); i != end; ++i) {
      const auto& socket = snapshot.sockets[i];
      const bool kernels = socket.ownerless_reason && socket.ownerless_reason->code == model::OwnerlessCode::kernel;
      if (kernels || !(is_listener(socket) || is_connected(socket))) continue;
      sockets.push_back(i);
      for (const auto process : scene.holding_processes(i)) processes.push_back(process);
    }
    if (sockets.empty()) continue;
    Text text;
    text << "no process is in network namespace " << netns.inode;
    if (!netns.how.empty()) text << " (" << netns.how << ")";
    text << ", and yet it has " << Count{sockets.size(), "listener or connection", "listeners and connections"} << ": ";
    scene.put_sockets(text, sockets);
    text << ", held by ";
    scene.put_holders(text, sockets.front());
    scene.report(findings, rule, text, std::move(sockets), std::move(processes));
  }
}

}  // namespace ssnap::analyze
