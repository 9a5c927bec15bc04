#include "render/kinship.h"

#include <algorithm>

namespace ssnap::render {
namespace {

using model::Process;

std::optional<std::uint32_t> find_parent(const std::vector<Process>& processes, std::uint32_t child) {
  const auto& ppid = processes[child].ppid;
  if (!ppid) return std::nullopt;
  const auto begin = std::lower_bound(processes.begin(), processes.end(), *ppid,
                                      [](const Process& process, std::int64_t pid) { return process.pid < pid; });
  std::optional<std::uint32_t> parent;
  for (auto at = begin; at != processes.end() && at->pid == *ppid; ++at) {
    const auto index = static_cast<std::uint32_t>(at - processes.begin());
    const bool too_late = at->start_ticks && processes[child].start_ticks && *at->start_ticks > *processes[child].start_ticks;
    if (index != child && !too_late) parent = index;
  }
  return parent;
}

}  // namespace

std::vector<std::optional<std::uint32_t>> parents_of(const model::Snapshot& snapshot) {
  const auto& processes = snapshot.processes;
  std::vector<std::optional<std::uint32_t>> parents(processes.size());
  for (std::uint32_t i = 0; i < processes.size(); ++i) parents[i] = find_parent(processes, i);
  // Each way up is gone once; where it meets itself, its last step is taken back.
  std::vector<std::uint32_t> walk(processes.size(), 0);
  for (std::uint32_t i = 0; i < processes.size(); ++i) {
    for (std::uint32_t at = i; walk[at] == 0;) {
      walk[at] = i + 1;
      if (!parents[at]) break;
      if (walk[*parents[at]] == i + 1)
        parents[at].reset();
      else
        at = *parents[at];
    }
  }
  return parents;
}

}  // namespace ssnap::render
