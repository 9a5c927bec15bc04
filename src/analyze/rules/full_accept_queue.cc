// Listeners whose queue of connections to accept is full: new ones are turned away or wait.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_full_accept_queue(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.socket(i);
    if (socket.state != model::kStateListen || !(is_ip(socket) || socket.family == model::kFamilyUnix)) continue;
    // sk_acceptq_is_full() (include/net/sock.h) and unix_recvq_full() (net/unix/af_unix.c): one more than the limit has room.
    if (!socket.recv_queue || !socket.send_queue || *socket.recv_queue <= *socket.send_queue) continue;
    Text text;
    scene.put_holders(text, i);
    text << " does not keep up with ";
    scene.put_socket(text, i);
    text << ": " << Count{*socket.recv_queue, "connection waits", "connections wait"} << " to be accepted, its limit is " << *socket.send_queue;
    scene.report(findings, rule, text, i);
  }
}

}  // namespace ssnap::analyze
