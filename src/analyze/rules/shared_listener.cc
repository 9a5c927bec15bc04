// A listener that a process holds which does not descend from the one that had it first.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

// Who had it first: the creator, else who began first.
bool was_before(const Scene& scene, const model::Owner& a, const model::Owner& b) {
  const bool made_a = a.origin == model::Origin::creator, made_b = b.origin == model::Origin::creator;
  if (made_a != made_b) return made_a;
  return scene.process(a.process).start_ticks.value_or(UINT64_MAX) < scene.process(b.process).start_ticks.value_or(UINT64_MAX);
}

}  // namespace

void find_shared_listener(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& socket = scene.socket(i);
    if (!is_listener(socket)) continue;
    const model::Owner* first = nullptr;
    for (const auto& owner : socket.owners)
      if (is_holder(scene.snapshot, owner) && (first == nullptr || was_before(scene, owner, *first))) first = &owner;
    Indexes strangers;
    for (const auto& owner : socket.owners) {
      if (!is_holder(scene.snapshot, owner) || owner.process == first->process || owner.origin == model::Origin::inherited) continue;
      // A child of the first, or its parent that made the child and kept the descriptor.
      if (scene.descends(owner.process, first->process) || scene.descends(first->process, owner.process)) continue;
      if (strangers.empty() || strangers.back() != owner.process) strangers.push_back(owner.process);
    }
    if (strangers.empty()) continue;
    Text text;
    scene.put_socket(text, i);
    text << " is held by ";
    scene.put_process(text, first->process);
    text << " and also by ";
    scene.put_processes(text, strangers);
    text << (strangers.size() == 1 ? ", which is no child of it" : ", which are no children of it");
    strangers.push_back(first->process);
    auto& finding = scene.report(findings, rule, text, {i}, std::move(strangers));
    for (const auto process : finding.processes) {
      scene.add_evidence(finding, process, "stat");
      scene.add_evidence(finding, process, "fds");
    }
  }
}

}  // namespace ssnap::analyze
