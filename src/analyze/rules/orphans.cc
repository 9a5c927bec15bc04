// Many TCP sockets that no process has any more and the kernel has not finished with.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_orphans(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  constexpr std::size_t kMany = 64;  // of one namespace; by then their memory counts, and so does what they wait for
  for (std::uint32_t n = 0; n < scene.snapshot.namespaces.size(); ++n) {
    Indexes sockets;
    std::uint64_t unsent = 0;
    for (auto [i, end] = scene.sockets_in(n); i != end; ++i) {
      const auto& socket = scene.socket(i);
      if (!is_ip(socket) || !socket.ownerless_reason || socket.ownerless_reason->code != model::OwnerlessCode::orphan) continue;
      sockets.push_back(i);
      unsent += socket.send_queue.value_or(0);
    }
    if (sockets.size() < kMany) continue;
    Text text;
    text << sockets.size() << " connections have no process any more and are not finished, with " << unsent << " bytes still to be acknowledged: ";
    scene.put_sockets(text, sockets);
    scene.report(findings, rule, text, std::move(sockets), {});
  }
}

}  // namespace ssnap::analyze
