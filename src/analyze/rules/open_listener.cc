// Listeners that take connections and datagrams at every address of their namespace.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

bool is_everywhere(const Scene& scene, const model::Socket& socket) {
  if (!is_listener(socket) || socket.local.address.length == 0 || !socket.local.address.unmapped().is_any()) return false;
  return socket.local.interface_index == 0 || scene.interface(socket.netns, socket.local.interface_index) != "lo";
}

}  // namespace

void find_open_listener(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (!is_everywhere(scene, socket)) continue;
    findings.push_back(scene.finding(rule, scene.socket(i) + " can be reached from everywhere; it is held by " + scene.holders(i), {i}, scene.holding_processes(i)));
  }
}

}  // namespace ssnap::analyze
