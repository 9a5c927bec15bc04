// A packet socket whose filter waits for a magic value in what packets carry.
#include "analyze/bpf_words.h"
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_magic_filter(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
    if (packet == nullptr || !packet->filter || packet->filter->empty()) continue;
    const auto meaning = explain_packet_filter(socket);
    if (meaning.magics.empty()) continue;
    std::string sentence = scene.holders(i) + " waits on " + scene.interface(socket.netns, socket.local.interface_index) + " for packets with ";
    for (std::size_t m = 0; m < meaning.magics.size(); ++m) sentence += (m == 0 ? "" : ", or ") + meaning.magics[m];
    if (!meaning.words.empty()) sentence += "; its filter lets pass: " + meaning.words;
    auto finding = scene.finding(rule, std::move(sentence), {i}, scene.holding_processes(i));
    finding.details = disassemble_bpf(*packet->filter);
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
