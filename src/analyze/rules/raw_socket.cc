// Who sends and reads IP packets past TCP and UDP: raw sockets.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_raw_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.socket(i);
    if (!is_ip(socket) || socket.protocol != model::kProtocolRaw) continue;
    Text text;
    scene.put_holders(text, i);
    text << " has the socket ";
    scene.put_socket(text, i);
    if (socket.details && socket.details->raw_protocol) {
      const auto number = *socket.details->raw_protocol;
      const auto name = model::ip_protocol_name(number);
      // IPPROTO_RAW receives nothing.
      if (number == model::kProtocolRaw) text << ", which only sends, packets of any protocol";
      else if (name.empty()) text << ", which receives IP protocol " << number;
      else text << ", which receives " << name;
    }
    scene.report(findings, rule, text, i);
  }
}

}  // namespace ssnap::analyze
