// Listeners that take connections and datagrams at every address of their namespace.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_open_listener(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.socket(i);
    if (!is_listener(socket) || socket.local.address.length == 0 || !socket.local.address.unmapped().is_any()) continue;
    if (socket.local.interface_index != 0 && scene.interface(socket.netns, socket.local.interface_index) == "lo") continue;
    Text text;
    scene.put_socket(text, i);
    text << " can be reached from everywhere; it is held by ";
    scene.put_holders(text, i);
    scene.report(findings, rule, text, i);
  }
}

}  // namespace ssnap::analyze
