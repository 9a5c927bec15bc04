// Who sends and reads IP packets past TCP and UDP: raw sockets.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_raw_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (!is_ip(socket) || socket.protocol != model::kProtocolRaw) continue;
    std::string protocol = "every protocol";
    if (socket.details && socket.details->raw_protocol) {
      const auto number = *socket.details->raw_protocol;
      const auto name = model::ip_protocol_name(number);
      // IPPROTO_RAW: it only sends.
      protocol = number == model::kProtocolRaw ? "no protocol, and sends any"
                                               : name.empty() ? "IP protocol " + std::to_string(number) : std::string(name);
    }
    auto sentence = scene.holders(i) + " has a " + scene.socket(i) + " socket that receives " + protocol;
    if (socket.local.interface_index == 0 && socket.local.address.is_any()) sentence += ", at every address";
    findings.push_back(scene.finding(rule, std::move(sentence), {i}, scene.holding_processes(i)));
  }
}

}  // namespace ssnap::analyze
