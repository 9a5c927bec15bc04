#include "analyze/findings.h"

#include <algorithm>
#include <iterator>

#include "analyze/rules/rules.h"
#include "analyze/unchecked.h"

namespace ssnap::analyze {
namespace {

using model::Severity;

// Of the checks that were made when the snapshot was put together: they need more than it keeps.
void find_cross_view(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  if (scene.snapshot.cross_view == nullptr) return;
  for (const auto& finding : scene.snapshot.cross_view->findings)
    if (finding.id == rule.id) findings.push_back(finding);
}

// docs/findings.md has a section for each, in this order; the most urgent first.
constexpr Rule kRules[] = {
    {"magic-filter", Severity::high, "a packet filter that waits for a magic value", kNeedPacketTable | kNeedPacketFilters, find_magic_filter},
    {"shell-on-socket", Severity::high, "a shell or interpreter on an internet socket", kNeedOwners | kNeedExecutables, find_shell_on_socket},
    {"kernel-thread-name", Severity::high, "a process called like a kernel thread that holds sockets", kNeedOwners, find_kernel_thread_name},
    {"temporary-executable", Severity::high, "an executable in memory or a temporary folder, with internet sockets", kNeedOwners | kNeedExecutables,
     find_temporary_executable},
    {model::kCheckHidden, Severity::high, "a process that one view of the processes shows and another does not", 0, find_cross_view},
    {model::kCheckMountOver, Severity::high, "something mounted over a process in /proc", 0, find_cross_view},
    {model::kCheckParent, Severity::high, "a parent that the list of processes lacks", 0, find_cross_view},
    {model::kCheckCount, Severity::high, "another number of processes than the kernel counts", 0, find_cross_view},
    {model::kCheckThreads, Severity::high, "another number of threads than the kernel counts", 0, find_cross_view},
    {model::kCheckListing, Severity::high, "directory entries of /proc as the kernel makes none", 0, find_cross_view},
    {model::kCheckTable, Severity::high, "a socket table as the kernel writes none", 0, find_cross_view},
    {model::kCheckViews, Severity::high, "sockets that sock_diag shows and /proc/net does not, or the other way round", 0, find_cross_view},
    {model::kCheckCounter, Severity::high, "another number of sockets than the kernel counts", 0, find_cross_view},
    {model::kCheckHeld, Severity::high, "a socket in an fd table and in no socket table", 0, find_cross_view},
    {"deleted-executable", Severity::medium, "a deleted executable with connections", kNeedOwners | kNeedExecutables, find_deleted_executable},
    {"shared-listener", Severity::medium, "a listener that processes hold which are not related", kNeedOwners, find_shared_listener},
    {"namespace-without-process", Severity::medium, "listeners and connections in a namespace without a process", kNeedMemberships,
     find_namespace_without_process},
    {"held-without-fd", Severity::medium, "a socket that is held without a descriptor", kNeedOwners, find_held_without_fd},
    {"full-accept-queue", Severity::low, "a full queue of connections to accept", kNeedBacklogs, find_full_accept_queue},
    {"close-wait", Severity::low, "connections that their process does not close", kNeedOwners, find_close_wait},
    {"retransmissions", Severity::low, "peers that do not acknowledge", kNeedTcpDump, find_retransmissions},
    {"ephemeral-ports", Severity::low, "local ports close to exhaustion", kNeedPortRanges, find_ephemeral_ports},
    {"orphans", Severity::low, "many connections without a process", 0, find_orphans},
    {"drops", Severity::low, "packets or messages that a socket dropped", kNeedMemory, find_drops},
    {"packet-socket", Severity::info, "who reads packets", kNeedPacketTable | kNeedPacketFilters, find_packet_socket},
    {"raw-socket", Severity::info, "who reads and sends raw IP", kNeedRawTable, find_raw_socket},
    {"open-listener", Severity::info, "listeners that can be reached from everywhere", 0, find_open_listener},
};

constexpr bool in_order() {
  for (std::size_t i = 1; i < std::size(kRules); ++i)
    if (kRules[i].severity > kRules[i - 1].severity) return false;
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const Rule> rules() { return kRules; }

base::Result<std::vector<bool>> choose_rules(std::string_view list) {
  constexpr std::string_view kNot = "no-";
  const bool without = list.starts_with(kNot);
  std::vector<bool> chosen(std::size(kRules), list.empty() || without);
  for (std::size_t at = 0; !list.empty() && at <= list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    std::string_view word = list.substr(at, end - at);
    at = end + 1;
    if (without && word.starts_with(kNot)) word.remove_prefix(kNot.size());
    const auto* rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& one) { return one.id == word; });
    if (rule == std::end(kRules)) return base::Error{"there is no rule '" + std::string(word) + "'"};
    chosen[static_cast<std::size_t>(rule - std::begin(kRules))] = !without;
  }
  return chosen;
}

model::Findings find_all(const model::Snapshot& snapshot, const std::vector<bool>& chosen, const std::vector<bool>& selected) {
  const bool everything = std::find(selected.begin(), selected.end(), false) == selected.end();
  const Scene scene(snapshot);
  model::Findings out;
  for (std::size_t i = 0; i < std::size(kRules); ++i) {
    if (!chosen[i]) continue;
    out.checked.push_back(kRules[i].id);
    std::vector<model::Finding> found;
    kRules[i].find(scene, kRules[i], found);
    for (auto& finding : found) {
      const bool is_selected = std::any_of(finding.sockets.begin(), finding.sockets.end(), [&](std::uint32_t socket) { return selected[socket]; });
      if (everything || is_selected) out.findings.push_back(std::move(finding));
    }
    add_unchecked(snapshot, kRules[i], out.unchecked);
    if (snapshot.cross_view == nullptr) continue;
    for (const auto& one : snapshot.cross_view->unchecked)
      if (one.id == kRules[i].id) out.unchecked.push_back(one);
  }
  // Differences that are no finding come last.
  std::stable_sort(out.findings.begin(), out.findings.end(), [](const auto& a, const auto& b) { return a.severity > b.severity; });
  return out;
}

}  // namespace ssnap::analyze
