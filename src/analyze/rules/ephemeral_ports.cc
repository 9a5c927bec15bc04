// Local ports that the kernel chooses from: nearly all of them in use, towards one peer or over all.
#include <algorithm>
#include <utility>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

constexpr std::uint64_t kNearlyPercent = 80;

bool is_tcp_connection(const model::Socket& socket) { return socket.protocol == model::kProtocolTcp && socket.peer.port != 0; }

// Sockets that share a range stand together: of one namespace and protocol; connect() chooses a port for each peer anew,
// bind() one for all.
int compare_ranges(const model::Socket& a, const model::Socket& b) {
  const auto port = [](const model::Socket& one) { return is_tcp_connection(one) ? one.peer.port : 0; };
  if (a.netns != b.netns || a.protocol != b.protocol) return std::pair(a.netns, a.protocol) < std::pair(b.netns, b.protocol) ? -1 : 1;
  if (port(a) != port(b)) return port(a) < port(b) ? -1 : 1;
  if (port(a) == 0) return 0;
  if (const int order = compare_peers(a, b); order != 0) return order;
  const auto &x = a.local.address.unmapped(), &y = b.local.address.unmapped();
  return x.bytes == y.bytes ? 0 : x.bytes < y.bytes ? -1 : 1;
}

}  // namespace

void find_ephemeral_ports(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  const auto& snapshot = scene.snapshot;
  Indexes sockets;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const auto& socket = snapshot.sockets[i];
    if (!is_ip(socket) || (socket.protocol != model::kProtocolTcp && !is_datagram(socket)) || socket.netns >= snapshot.namespaces.size()) continue;
    const auto range = snapshot.namespaces[socket.netns].local_ports;
    if (range && socket.local.port >= range->first && socket.local.port <= range->last) sockets.push_back(i);
  }
  for (auto& group : scene.groups(std::move(sockets), compare_ranges)) {
    // Sockets are no fewer than ports: most groups are small.
    const auto& one = scene.socket(group.front());
    const auto range = *snapshot.namespaces[one.netns].local_ports;
    const std::uint64_t size = std::uint64_t{range.last} - range.first + 1;
    if (group.size() * 100 < size * kNearlyPercent) continue;
    std::vector<bool> used(std::size_t{UINT16_MAX} + 1, false);
    for (const auto index : group) used[scene.socket(index).local.port & UINT16_MAX] = true;
    const auto ports = static_cast<std::uint64_t>(std::count(used.begin(), used.end(), true));
    if (ports * 100 < size * kNearlyPercent) continue;
    Text text;
    text << ports << " of the " << size << " local " << model::protocol_name(one.family, one.protocol) << " ports that the kernel chooses from ("
         << range.first << " to " << range.last << ") are in use";
    if (is_tcp_connection(one)) text << " from " << one.local.address.to_string() << " to " << one.peer.address.to_string() << " port " << one.peer.port;
    scene.report(findings, rule, text, std::move(group), {});
  }
}

}  // namespace ssnap::analyze
