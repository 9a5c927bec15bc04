// Many connections that the other side has closed and their process has not.
#include <algorithm>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

// A busy server has some of them for a moment.
constexpr std::size_t kMany = 16;
// Fewer count where they are all old, by tcp_info: a peer's FIN was acknowledged long ago.
constexpr std::size_t kSomeOld = 4;
constexpr std::uint64_t kOldMsec = 60'000;

}  // namespace

void find_close_wait(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    std::vector<std::uint32_t> sockets;
    for (const auto& holding : scene.holdings(i)) {
      const auto& socket = scene.snapshot.sockets[holding.socket];
      if (is_ip(socket) && socket.state == model::kStateCloseWait && (sockets.empty() || sockets.back() != holding.socket)) sockets.push_back(holding.socket);
    }
    std::size_t old = 0, came = 0;
    std::uint64_t oldest = 0;
    for (const auto index : sockets) {
      const auto& socket = scene.snapshot.sockets[index];
      came += socket.presence == model::Presence::came;
      const auto since = info_of(socket, "tcpi_last_ack_recv");
      if (!since) continue;
      old += *since >= kOldMsec;
      oldest = std::max(oldest, *since);
    }
    if (sockets.size() < kMany && old < kSomeOld) continue;
    std::string sentence = scene.process_at_home(i) + " has not closed " + count(sockets.size(), "connection") + " that the other side has (CLOSE-WAIT)";
    if (came != 0) sentence += ", " + std::to_string(came) + " of them new during the capture";
    if (oldest >= kOldMsec) sentence += ", the oldest without a word from there for " + std::to_string(oldest / 1000) + " s";
    auto finding = scene.finding(rule, std::move(sentence), std::move(sockets), {i});
    scene.add_evidence(finding, i, "fds");
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
