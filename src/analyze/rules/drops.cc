// Sockets that had to drop what came for them.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

constexpr std::size_t kDrops = 8;  // SK_MEMINFO_DROPS (include/uapi/linux/sock_diag.h)

}  // namespace

void find_drops(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (!socket.details || socket.details->skmeminfo.size() <= kDrops || socket.details->skmeminfo[kDrops] == 0) continue;
    findings.push_back(scene.finding(rule, scene.socket(i) + " of " + scene.holders(i) + " has dropped " +
                                               count(socket.details->skmeminfo[kDrops], "packet or message", "packets or messages") + " since it was made",
                                     {i}, scene.holding_processes(i)));
  }
}

}  // namespace ssnap::analyze
