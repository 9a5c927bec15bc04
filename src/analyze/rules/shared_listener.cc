// A listener that a process holds which does not descend from the one that had it first.
#include <algorithm>
#include <tuple>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

// Who had it first: the creator, else who began first.
const model::Owner* first_holder(const Scene& scene, const model::Socket& socket) {
  const auto rank = [&](const model::Owner& owner) {
    const auto& process = scene.snapshot.processes[owner.process];
    return std::tuple(owner.origin != model::Origin::creator, !process.start_ticks, process.start_ticks.value_or(0), process.pid);
  };
  const model::Owner* first = nullptr;
  for (const auto& owner : socket.owners)
    if (is_holder(scene.snapshot, owner) && (first == nullptr || rank(owner) < rank(*first))) first = &owner;
  return first;
}

}  // namespace

void find_shared_listener(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.snapshot.sockets[i];
    if (!is_listener(socket)) continue;
    const auto* first = first_holder(scene, socket);
    if (first == nullptr) continue;
    std::vector<std::uint32_t> strangers;
    for (const auto& owner : socket.owners) {
      if (!is_holder(scene.snapshot, owner) || owner.process == first->process || owner.origin == model::Origin::inherited) continue;
      // A child of the first, or its parent that made the child and kept the descriptor.
      if (scene.descends(owner.process, first->process) || scene.descends(first->process, owner.process)) continue;
      if (strangers.empty() || strangers.back() != owner.process) strangers.push_back(owner.process);
    }
    if (strangers.empty()) continue;
    std::string sentence = scene.socket(i) + " is held by " + scene.process_at_home(first->process) + " and also by ";
    for (std::size_t s = 0; s < std::min(strangers.size(), kMaxNamed); ++s) sentence += (s == 0 ? "" : "; ") + scene.process_at_home(strangers[s]);
    if (strangers.size() > kMaxNamed) sentence += "; and " + std::to_string(strangers.size() - kMaxNamed) + " more";
    sentence += strangers.size() == 1 ? ", which is no child of it" : ", which are no children of it";
    auto processes = strangers;
    processes.push_back(first->process);
    auto finding = scene.finding(rule, std::move(sentence), {i}, processes);
    for (const auto process : finding.processes) {
      scene.add_evidence(finding, process, "stat");
      scene.add_evidence(finding, process, "fds");
    }
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
