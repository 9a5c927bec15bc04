// Peers that don't acknowledge: what is sent to them is sent again and again.
#include <algorithm>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

constexpr std::uint8_t kRetransmitTimer = 1;  // idiag_timer: "on"
// The fourth time in a row is more than a lost packet: 3 s after the first at a delay of 200 ms.
constexpr std::uint32_t kInARow = 4;
// Over the life of a connection: every tenth segment, and not only a few.
constexpr std::uint64_t kMany = 100, kShare = 10;

bool is_repeating(const model::Socket& socket) {
  if (!is_connected(socket)) return false;
  if (socket.timer && socket.timer->number == kRetransmitTimer && socket.timer->retransmits.value_or(0) >= kInARow) return true;
  const auto all = info_of(socket, "tcpi_total_retrans").value_or(0), sent = info_of(socket, "tcpi_segs_out").value_or(0);
  return all >= kMany && all >= sent / kShare;
}

}  // namespace

void find_retransmissions(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  Indexes all;
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i)
    if (is_repeating(scene.socket(i))) all.push_back(i);
  for (auto& sockets : scene.groups(std::move(all), compare_peers)) {
    std::uint64_t in_a_row = 0, total = 0;
    Indexes processes;
    for (const auto index : sockets) {
      const auto& socket = scene.socket(index);
      if (socket.timer) in_a_row = std::max<std::uint64_t>(in_a_row, socket.timer->retransmits.value_or(0));
      total += info_of(socket, "tcpi_total_retrans").value_or(0);
      for (const auto process : scene.holding_processes(index)) processes.push_back(process);
    }
    Text text;
    text << Count{sockets.size(), "connection", "connections"} << " to " << scene.socket(sockets.front()).peer.address.unmapped().to_string()
         << " had to send again, up to " << in_a_row << " times in a row and " << total << " times in all: ";
    scene.put_sockets(text, sockets);
    text << ", of ";
    scene.put_holders(text, sockets.front());
    scene.report(findings, rule, text, std::move(sockets), std::move(processes));
  }
}

}  // namespace ssnap::analyze
