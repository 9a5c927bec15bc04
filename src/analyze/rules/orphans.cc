// Many TCP sockets that no process has any more and the kernel has not finished with.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

constexpr std::size_t kMany = 64;  // of one namespace

}  // namespace

void find_orphans(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  std::vector<std::vector<std::uint32_t>> orphans(scene.snapshot.namespaces.size());
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (socket.netns < orphans.size() && is_ip(socket) && socket.ownerless_reason && socket.ownerless_reason->code == model::OwnerlessCode::orphan)
      orphans[socket.netns].push_back(i);
  }
  for (const auto& sockets : orphans) {
    if (sockets.size() < kMany) continue;
    std::uint64_t unsent = 0;
    for (const auto index : sockets) unsent += scene.snapshot.sockets[index].send_queue.value_or(0);
    findings.push_back(scene.finding(rule, std::to_string(sockets.size()) + " connections have no process any more and are not finished, with " +
                                               std::to_string(unsent) + " bytes still to be sent: " + scene.socket(sockets.front()) + " and more",
                                     sockets, {}));
  }
}

}  // namespace ssnap::analyze
