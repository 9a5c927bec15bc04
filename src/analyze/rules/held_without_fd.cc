// Sockets that a process keeps without a descriptor: in an io_uring, by a mapping, in a message nobody has received.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

std::string way_text(const model::Owner& owner) {
  switch (owner.via) {
    case model::Via::io_uring: return "as a registered file of an io_uring" + (owner.fds.empty() ? std::string() : " (fd " + std::to_string(owner.fds.front()) + ')');
    case model::Via::mmap: return "by a mapping of its memory";
    case model::Via::in_flight: return "in a message that waits to be received" + (owner.fds.empty() ? std::string() : " at fd " + std::to_string(owner.fds.front()));
    default: return "by a descriptor";
  }
}

}  // namespace

void find_held_without_fd(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const model::Owner* without = nullptr;
    bool with = false;
    for (const auto& owner : scene.snapshot.sockets[i].owners) {
      if (owner.process >= scene.snapshot.processes.size() || owner.via == model::Via::listener) continue;
      const bool has_fd = owner.via == model::Via::fd || owner.via == model::Via::thread_fd;
      with = with || has_fd;
      // A message's receiver is seldom certain: that nobody has a descriptor is what counts.
      if (!has_fd && without == nullptr && (owner.certainty != model::Certainty::possible || owner.via == model::Via::in_flight)) without = &owner;
    }
    if (without == nullptr || with) continue;
    const bool doubt = without->certainty != model::Certainty::certain;
    std::string sentence = scene.socket(i) + " has no descriptor anywhere; " + scene.process_at_home(without->process) + (doubt ? " probably" : "") +
                           " keeps it " + way_text(*without);
    auto finding = scene.finding(rule, std::move(sentence), {i}, {without->process});
    if (without->via == model::Via::mmap) scene.add_evidence(finding, without->process, "maps");
    else if (!without->fds.empty()) scene.add_evidence(finding, without->process, "fdinfo/" + std::to_string(without->fds.front()));
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
