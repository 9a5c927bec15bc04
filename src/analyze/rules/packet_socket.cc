// Who reads packets past the protocols: packet and XDP sockets.
#include <algorithm>

#include "analyze/bpf_words.h"
#include "analyze/rules/rules.h"
#include "base/clock.h"

namespace ssnap::analyze {
namespace {

constexpr std::uint16_t kPromiscuous = 1;    // PACKET_MR_PROMISC (include/uapi/linux/if_packet.h)
constexpr std::uint16_t kEveryProtocol = 3;  // ETH_P_ALL

// The kernel doesn't tell when a socket was made: not before the first of its holders began.
void put_since(Text& text, const Scene& scene, std::uint32_t socket) {
  std::optional<std::int64_t> first;
  for (const auto process : scene.holding_processes(socket))
    if (const auto start = scene.process(process).start_realtime_nsec; start && (!first || *start < *first)) first = start;
  if (first) text << "; its process began at " << base::rfc3339_utc(*first, 0);
}

void put_promiscuous(Text& text, const Scene& scene, const model::Socket& socket, const model::PacketDetails& packet) {
  bool any = false;
  for (const auto& membership : packet.memberships) {
    if (membership.type != kPromiscuous) continue;
    text << (any ? ", " : ", promiscuous on ") << scene.interface(socket.netns, membership.interface_index);
    any = true;
  }
  if (!any) text << ", not promiscuous";
}

void put_filter(Text& text, const model::Socket& socket, const model::PacketDetails& packet, std::vector<std::string>& details) {
  if (!packet.filter || packet.filter->empty()) {
    text << (packet.filter ? ", with a filter that could not be seen" : ", without a classic filter");
    return;
  }
  const auto meaning = explain_packet_filter(socket);
  text << ", with a filter of " << Count{packet.filter->size(), "instruction", "instructions"};
  if (meaning.obstacle.empty()) {
    text << " that lets pass: " << meaning.words;
    return;
  }
  text << " that can't be put into words (" << meaning.obstacle << ")";
  details = disassemble_bpf(*packet.filter);
}

}  // namespace

void find_packet_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.socket(i);
    const bool xdp = socket.family == model::kFamilyXdp;
    if (socket.family != model::kFamilyPacket && !xdp) continue;
    const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
    Text text;
    std::vector<std::string> details;
    scene.put_holders(text, i);
    text << (packet != nullptr && packet->ethertype == 0 ? " could send packets to " : " reads packets of ")
         << scene.interface(socket.netns, socket.local.interface_index);
    if (xdp) text << " by an XDP socket";
    if (packet != nullptr) {
      if (packet->ethertype != 0 && packet->ethertype != kEveryProtocol) text << " with ethertype " << Hex{packet->ethertype};
      put_promiscuous(text, scene, socket, *packet);
      put_filter(text, socket, *packet, details);
    }
    put_since(text, scene, i);
    scene.report(findings, rule, text, i).details = std::move(details);
  }
}

}  // namespace ssnap::analyze
