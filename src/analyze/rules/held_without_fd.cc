// Sockets that a process keeps without a descriptor: in an io_uring, by a mapping, in a message nobody has received.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_held_without_fd(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const model::Owner* keeper = nullptr;
    bool has_fd = false;
    for (const auto& owner : scene.socket(i).owners) {
      if (owner.process >= scene.snapshot.processes.size() || owner.via == model::Via::listener) continue;
      has_fd = has_fd || owner.via == model::Via::fd || owner.via == model::Via::thread_fd;
      // A message's receiver is seldom certain: that nobody has a descriptor is what counts.
      if (keeper == nullptr && (owner.certainty != model::Certainty::possible || owner.via == model::Via::in_flight)) keeper = &owner;
    }
    if (keeper == nullptr || has_fd) continue;
    Text text;
    scene.put_socket(text, i);
    text << " has no descriptor anywhere; ";
    scene.put_process(text, keeper->process);
    if (keeper->certainty != model::Certainty::certain) text << (keeper->certainty == model::Certainty::probable ? " probably" : " possibly");
    text << " keeps it ";
    const bool mapped = keeper->via == model::Via::mmap;
    if (mapped) text << "by a mapping of its memory";
    else text << (keeper->via == model::Via::io_uring ? "as a registered file of an io_uring" : "in a message that waits to be received");
    if (!mapped && !keeper->fds.empty()) text << ", fd " << keeper->fds.front();
    auto& finding = scene.report(findings, rule, text, {i}, {keeper->process});
    Text file;
    file << "fdinfo/";
    if (!mapped && !keeper->fds.empty()) scene.add_evidence(finding, keeper->process, (file << keeper->fds.front()).bytes);
    if (mapped) scene.add_evidence(finding, keeper->process, "maps");
  }
}

}  // namespace ssnap::analyze
