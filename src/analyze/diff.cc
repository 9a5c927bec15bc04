#include "analyze/diff.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "analyze/diff_match.h"

namespace ssnap::analyze {
namespace {

// What a whole capture lacks, and with it each comparison.
void add_notes(const model::Snapshot& snapshot, Side side, std::vector<std::string>& notes) {
  const auto& capture = snapshot.capture;
  const std::string word = side_word(side);
  if (capture.incomplete)
    notes.push_back(word + " is incomplete (" + (capture.status.empty() || capture.status == "complete" ? "not sealed" : capture.status) + "): what it lacks may have been there");
  if (capture.processes_read < capture.processes_found)
    notes.push_back(word + ": " + std::to_string(capture.processes_found - capture.processes_read) + " of " +
                    std::to_string(capture.processes_found) + " processes were not read, or not whole: what they held is not known");
  if (left_out(snapshot, "proc_list")) notes.push_back(word + " doesn't have every process");
  if (left_out(snapshot, "netns_list")) notes.push_back(word + " doesn't have every network namespace");
}

}  // namespace

std::string_view basis_name(Basis basis) {
  switch (basis) {
    case Basis::same_boot: return "same-boot";
    case Basis::other_boot: return "other-boot";
    case Basis::other_host: return "other-host";
    case Basis::unknown: break;
  }
  return "unknown";
}

std::string_view kind_name(DiffKind kind) {
  switch (kind) {
    case DiffKind::listener: return "listener";
    case DiffKind::socket: return "socket";
    case DiffKind::process: return "process";
    case DiffKind::netns: return "namespace";
    case DiffKind::interface: return "interface";
    case DiffKind::route: break;
  }
  return "route";
}

std::string_view change_name(Change change) {
  return change == Change::appeared ? "new" : change == Change::gone ? "gone" : "changed";
}

namespace {

struct NoiseRow {
  std::string_view name, text;
};
constexpr std::array<NoiseRow, kNoiseCount> kNoises{{
    {"", ""},
    {"replaced", "ends of connections replaced by others of the same program with the same peer"},
    {"passing", "sockets that no process holds: being opened or closed, or gone while the capture ran"},
    {"kernels", "sockets and threads of the kernel's own"},
    {"unnamed", "sockets without a name"},
    {"inbound", "connections to listeners"},
    {"number", "more or fewer sockets like those that both have"},
    {"program", "processes or holders of programs that both have"},
    {"collector", "of the collectors"},
    {"unseen", "sockets whose owners one capture could not see"},
}};

}  // namespace

std::string_view noise_name(Noise noise) { return kNoises[static_cast<std::size_t>(noise)].name; }
std::string_view noise_text(Noise noise) { return kNoises[static_cast<std::size_t>(noise)].text; }

std::uint32_t prefix_length(const model::Route& route) {
  if (!route.mask.is_v4()) return route.prefix_length;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 4; ++i) bits += static_cast<std::uint32_t>(std::popcount(route.mask.bytes[i]));
  return bits;
}

DiffScope whole_scope(const model::Snapshot& before, const model::Snapshot& after) {
  DiffScope scope;
  scope.sockets = {std::vector<bool>(before.sockets.size(), true), std::vector<bool>(after.sockets.size(), true)};
  scope.namespaces = {std::vector<bool>(before.namespaces.size(), true), std::vector<bool>(after.namespaces.size(), true)};
  return scope;
}

Diff diff_snapshots(const model::Snapshot& before, const model::Snapshot& after, const DiffScope& scope) {
  const Matching matching(before, after);
  Diff diff;
  diff.basis = matching.basis();
  const auto& begin = before.capture.begin_realtime_nsec;
  diff.reversed = begin && after.capture.begin_realtime_nsec && *after.capture.begin_realtime_nsec < *begin;
  add_notes(before, kOld, diff.notes);
  add_notes(after, kNew, diff.notes);

  diff_sockets(matching, scope, diff);
  diff_processes(matching, scope, diff);
  if (!scope.narrowed) diff_namespaces(matching, scope, diff);
  if (!scope.narrowed) diff_net_tables(matching, scope, diff);

  const auto order = [](const DiffItem& item) {
    return std::tuple(item.kind, item.change, item.netns[kNew], item.netns[kOld], item.ipv6, item.index[kNew], item.index[kOld]);
  };
  std::stable_sort(diff.items.begin(), diff.items.end(), [&](const DiffItem& a, const DiffItem& b) { return order(a) < order(b); });
  for (const DiffItem& item : diff.items) ++diff.noise[static_cast<std::size_t>(item.noise)];
  return diff;
}

}  // namespace ssnap::analyze
