// Who reads packets past the protocols: packet and XDP sockets.
#include <algorithm>

#include "analyze/bpf_words.h"
#include "analyze/rules/rules.h"
#include "base/clock.h"

namespace ssnap::analyze {
namespace {

constexpr std::uint16_t kPromiscuous = 1;  // PACKET_MR_PROMISC (include/uapi/linux/if_packet.h)
constexpr std::uint16_t kEveryProtocol = 3;  // ETH_P_ALL

// The kernel doesn't tell when a socket was made: not before its first holder began.
std::string since_text(const Scene& scene, const model::Socket& socket) {
  std::optional<std::int64_t> first;
  for (const auto& owner : socket.owners) {
    if (!is_holder(scene.snapshot, owner)) continue;
    const auto start = scene.snapshot.processes[owner.process].start_realtime_nsec;
    if (start && (!first || *start < *first)) first = start;
  }
  return first ? ", whose process began at " + base::rfc3339_utc(*first, 0) : "";
}

std::string promiscuous_text(const Scene& scene, const model::Socket& socket, const model::PacketDetails& packet) {
  std::string on;
  for (const auto& membership : packet.memberships)
    if (membership.type == kPromiscuous) on += (on.empty() ? "" : ", ") + scene.interface(socket.netns, membership.interface_index);
  return on.empty() ? "not promiscuous" : "promiscuous on " + on;
}

std::string filter_text(const model::Socket& socket, const model::PacketDetails& packet, std::vector<std::string>& details) {
  if (!packet.filter) return "without a classic filter";
  if (packet.filter->empty()) return "with a filter that could not be seen";
  const auto meaning = explain_packet_filter(socket);
  const auto size = count(packet.filter->size(), "instruction");
  if (meaning.obstacle.empty()) return "with a filter of " + size + " that lets pass: " + meaning.words;
  details = disassemble_bpf(*packet.filter);
  return "with a filter of " + size + " that can't be put into words (" + meaning.obstacle + ')';
}

std::string packet_text(const Scene& scene, const model::Socket& socket, std::vector<std::string>& details) {
  std::string out = " reads packets of " + scene.interface(socket.netns, socket.local.interface_index);
  const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
  if (packet == nullptr) return out + ", by a packet socket of which no more is known";
  if (packet->ethertype == 0) return " has a packet socket that receives nothing" + std::string(packet->filter ? ", " : "") +
                                     (packet->filter ? filter_text(socket, *packet, details) : "");
  if (packet->ethertype != kEveryProtocol) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += ", ethertype 0x";
    for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[packet->ethertype >> shift & 0xf];
  }
  return out + ", " + promiscuous_text(scene, socket, *packet) + ", " + filter_text(socket, *packet, details);
}

}  // namespace

void find_packet_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    const bool xdp = socket.family == model::kFamilyXdp;
    if (socket.family != model::kFamilyPacket && !xdp) continue;
    std::vector<std::string> details;
    std::string sentence = scene.holders(i);
    sentence += xdp ? " reads and writes packets of " + scene.interface(socket.netns, socket.local.interface_index) + " by an XDP socket"
                    : packet_text(scene, socket, details);
    auto finding = scene.finding(rule, sentence + since_text(scene, socket), {i}, scene.holding_processes(i));
    finding.details = std::move(details);
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
