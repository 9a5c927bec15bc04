// Listeners whose queue of connections to accept is full: new ones are turned away or wait.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_full_accept_queue(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (socket.state != model::kStateListen || !(is_ip(socket) || socket.family == model::kFamilyUnix)) continue;
    // sk_acceptq_is_full() (include/net/sock.h): one more than the limit has room.
    if (!socket.recv_queue || !socket.send_queue || *socket.recv_queue <= *socket.send_queue) continue;
    findings.push_back(scene.finding(rule, scene.holders(i) + " does not keep up with " + scene.socket(i) + ": " +
                                               count(*socket.recv_queue, "connection waits", "connections wait") + " to be accepted, its limit is " +
                                               std::to_string(*socket.send_queue),
                                     {i}, scene.holding_processes(i)));
  }
}

}  // namespace ssnap::analyze
