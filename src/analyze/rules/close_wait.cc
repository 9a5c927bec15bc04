// Many connections that the other side has closed and their process has not.
#include <algorithm>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

// A busy server has some of them for a moment.
constexpr std::size_t kMany = 16;
// Fewer count where they are old: by tcp_info nothing has come from there for so long, and a FIN was the last.
constexpr std::size_t kSomeOld = 4;
constexpr std::uint64_t kOldMsec = 60'000;

bool is_close_wait(const model::Socket& socket) { return is_ip(socket) && socket.state == model::kStateCloseWait; }

}  // namespace

void find_close_wait(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    auto sockets = scene.held_sockets(i, is_close_wait);
    std::uint64_t old = 0, came = 0, oldest = 0;
    for (const auto index : sockets) {
      came += scene.socket(index).presence == model::Presence::came;
      const auto since = info_of(scene.socket(index), "tcpi_last_ack_recv").value_or(0);
      old += since >= kOldMsec;
      oldest = std::max(oldest, since);
    }
    if (sockets.size() < kMany && old < kSomeOld) continue;
    Text text;
    scene.put_process(text, i);
    text << " has not closed " << Count{sockets.size(), "connection", "connections"} << " that the other side has (CLOSE-WAIT)";
    if (came != 0) text << ", " << came << " of them new during the capture";
    if (oldest >= kOldMsec) text << ", the oldest without a word from there for " << oldest / 1000 << " s";
    scene.add_evidence(scene.report(findings, rule, text, std::move(sockets), {i}), i, "fds");
  }
}

}  // namespace ssnap::analyze
