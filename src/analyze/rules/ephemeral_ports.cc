// Local ports that the kernel chooses from: nearly all of them in use, over all or towards one peer.
#include <map>
#include <set>
#include <tuple>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

constexpr std::uint64_t kNearlyPercent = 80;

struct Use {
  std::set<std::uint32_t> ports;
  std::vector<std::uint32_t> sockets;
};

// Namespace, protocol, and the address and the peer that share the range; "" for all of them.
using Key = std::tuple<std::uint32_t, std::uint16_t, std::string, std::string>;

}  // namespace

void find_ephemeral_ports(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  const auto& snapshot = scene.snapshot;
  const auto range_of = [&](std::uint32_t netns) { return netns < snapshot.namespaces.size() ? snapshot.namespaces[netns].local_ports : std::nullopt; };
  std::map<Key, Use> uses;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const auto& socket = snapshot.sockets[i];
    const auto range = range_of(socket.netns);
    const bool has_ports = socket.protocol == model::kProtocolTcp || is_datagram(socket);
    if (!is_ip(socket) || !has_ports || !range || socket.local.port < range->first || socket.local.port > range->last) continue;
    const auto add = [&](std::string local, std::string peer) {
      Use& use = uses[{socket.netns, socket.protocol, std::move(local), std::move(peer)}];
      use.ports.insert(socket.local.port);
      use.sockets.push_back(i);
    };
    // connect() chooses a port for each peer anew, bind() one for all.
    if (socket.protocol == model::kProtocolTcp && socket.peer.port != 0)
      add(socket.local.address.unmapped().to_string(), socket.peer.address.unmapped().to_string() + " port " + std::to_string(socket.peer.port));
    else
      add("", "");
  }
  for (auto& [key, use] : uses) {
    const auto& [netns, protocol, local, peer] = key;
    const auto range = *range_of(netns);
    if (range.last < range.first) continue;
    const std::uint64_t size = std::uint64_t{range.last} - range.first + 1;
    if (use.ports.size() * 100 < size * kNearlyPercent) continue;
    std::string sentence = std::to_string(use.ports.size()) + " of the " + std::to_string(size) + " local " + std::string(model::protocol_name(model::kFamilyInet, protocol)) +
                           " ports that the kernel chooses from (" + std::to_string(range.first) + " to " + std::to_string(range.last) + ") are in use";
    if (!peer.empty()) sentence += " from " + local + " to " + peer;
    findings.push_back(scene.finding(rule, std::move(sentence), std::move(use.sockets), {}));
  }
}

}  // namespace ssnap::analyze
