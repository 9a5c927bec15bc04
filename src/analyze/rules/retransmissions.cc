// Peers that don't acknowledge: what is sent to them is sent again and again.
#include <algorithm>
#include <map>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

constexpr std::uint8_t kRetransmitTimer = 1;  // idiag_timer: "on"
// The fourth time in a row is more than a lost packet: 3 s after the first at a delay of 200 ms.
constexpr std::uint32_t kInARow = 4;
// Over the life of a connection: every tenth segment, and not only a few.
constexpr std::uint64_t kMany = 100, kShare = 10;

}  // namespace

void find_retransmissions(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  std::map<std::pair<std::uint32_t, std::string>, std::vector<std::uint32_t>> peers;  // by namespace and address
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (!is_connected(socket)) continue;
    const bool in_a_row = socket.timer && socket.timer->number == kRetransmitTimer && socket.timer->retransmits.value_or(0) >= kInARow;
    const auto all = info_of(socket, "tcpi_total_retrans").value_or(0), sent = info_of(socket, "tcpi_segs_out").value_or(0);
    if (in_a_row || (all >= kMany && all >= sent / kShare)) peers[{socket.netns, socket.peer.address.unmapped().to_string()}].push_back(i);
  }
  for (const auto& [peer, sockets] : peers) {
    std::uint64_t most = 0, all = 0;
    std::vector<std::uint32_t> processes;
    for (const auto index : sockets) {
      const auto& socket = scene.snapshot.sockets[index];
      if (socket.timer) most = std::max<std::uint64_t>(most, socket.timer->retransmits.value_or(0));
      all += info_of(socket, "tcpi_total_retrans").value_or(0);
      const auto holders = scene.holding_processes(index);
      processes.insert(processes.end(), holders.begin(), holders.end());
    }
    findings.push_back(scene.finding(rule, count(sockets.size(), "connection") + " to " + peer.second + " had to send again, up to " + std::to_string(most) +
                                               " times in a row and " + std::to_string(all) + " times in all: " + scene.socket(sockets.front()) + " of " +
                                               scene.holders(sockets.front()),
                                     sockets, std::move(processes)));
  }
}

}  // namespace ssnap::analyze
