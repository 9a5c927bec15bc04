// A packet socket whose filter waits for a magic value in what packets carry.
#include "analyze/bpf_words.h"
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_magic_filter(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.socket(i);
    const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
    if (packet == nullptr || !packet->filter || packet->filter->empty()) continue;
    const auto meaning = explain_packet_filter(socket);
    if (meaning.magics.empty()) continue;
    Text text;
    scene.put_holders(text, i);
    text << " waits on " << scene.interface(socket.netns, socket.local.interface_index) << " for packets with ";
    for (const auto& magic : meaning.magics) text << (&magic == meaning.magics.data() ? "" : ", or ") << magic;
    if (!meaning.words.empty()) text << "; its filter lets pass: " << meaning.words;
    scene.report(findings, rule, text, i).details = disassemble_bpf(*packet->filter);
  }
}

}  // namespace ssnap::analyze
