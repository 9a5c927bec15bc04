// The same processes, asked for in several ways: listings against each other, the kernel's counts, parents, cgroups and the
// numbers themselves.
#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/text_cursor.h"
#include "reconstruct/cross_view.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::Finding;
using model::FindingLevel;

const ProcListing* find_listing(const RawViews& raw, int pass, bool mounted) {
  for (const ProcListing& listing : raw.listings)
    if (listing.pass == pass && listing.mounted == mounted) return &listing;
  return nullptr;
}

bool has(const ProcListing& listing, std::int64_t pid) { return std::binary_search(listing.pids.begin(), listing.pids.end(), pid); }

class ProcessChecks {
 public:
  ProcessChecks(const Records& records, const model::Snapshot& snapshot, model::Findings& found)
      : records_(records), raw_(records.raw), snapshot_(snapshot), found_(found) {}

  void run() {
    before_ = find_listing(raw_, 1, false);
    stretched_entries();
    unlisted();
    mounted_listing();
    mounts_over();
    parents();
    process_count();
    thread_count();
  }

 private:
  model::Evidence evidence(const std::string& member, std::optional<std::uint64_t> offset = {}) const {
    model::Evidence evidence{member, offset, "", {}, {}};
    if (const auto at = raw_.times.find(member); at != raw_.times.end()) {
      evidence.begin_nsec = at->second.first;
      evidence.end_nsec = at->second.second;
    }
    return evidence;
  }

  std::vector<std::uint32_t> processes_of(std::int64_t pid) const {
    std::vector<std::uint32_t> indexes;
    for (std::uint32_t i = 0; i < snapshot_.processes.size(); ++i)
      if (snapshot_.processes[i].pid == pid) indexes.push_back(i);
    return indexes;
  }

  // True where it had started for certain when the listing began: start_ticks are whole ticks, rounded down.
  bool started_before(const model::Process& process, const ProcListing& listing) const {
    const auto at = raw_.times.find(listing.member);
    if (at == raw_.times.end() || !process.start_ticks || *process.start_ticks >= INT64_MAX) return false;
    const std::int64_t tick_nsec = base::kNsecPerSec / std::max<std::int64_t>(1, records_.host.clk_tck);
    const auto started = base::multiply_time(static_cast<std::int64_t>(*process.start_ticks) + 1, tick_nsec);
    return started && static_cast<std::uint64_t>(*started) < at->second.first;
  }

  void unchecked(std::string_view id, std::string reason) { found_.unchecked.push_back({id, std::move(reason)}); }

  void report(std::string_view id, std::string sentence, std::vector<model::Evidence> evidence, std::int64_t pid = 0) {
    Finding finding;
    finding.id = id;
    finding.severity = model::Severity::high;
    finding.sentence = std::move(sentence);
    if (pid > 0) finding.processes = processes_of(pid);
    finding.evidence = std::move(evidence);
    found_.findings.push_back(std::move(finding));
  }

  // An entry that reaches over more than its name needs: the way to take the next one out of a listing.
  void stretched_entries() {
    if (raw_.listings.empty()) unchecked(model::kCheckListing, "no listing of /proc was kept");
    for (const ProcListing& listing : raw_.listings)
      for (const StretchedEntry& entry : listing.stretched)
        report(model::kCheckListing,
               "the entry of " + entry.name + " in a listing of /proc takes " + std::to_string(entry.bytes) + " bytes, more than its name needs" +
                   (entry.swallowed.empty() ? std::string() : ": it reaches over the entry of " + entry.swallowed),
               {evidence(listing.member, entry.offset)}, base::parse_integer<std::int64_t>(entry.swallowed).value_or(0));
  }

  // Answered to its number, or was in a cgroup, before and after a listing that lacks it.
  void unlisted() {
    if (!raw_.probe) return unchecked(model::kCheckHidden, "the numbers of processes were not tried");
    if (!raw_.probe->first) unchecked(model::kCheckHidden, "the numbers of processes were not tried: no pidfd_open");
    for (const auto& item : raw_.probe->unlisted)
      report(model::kCheckHidden,
             "process " + std::to_string(item.pid) + (item.in_cgroup ? " is in a cgroup" : " answers to its number") +
                 " before and after a listing of /proc that lacks it" +
                 (item.start_ticks ? "" : ", and /proc/" + std::to_string(item.pid) + " can't be opened by name either"),
             {evidence("process-views/probe", item.offset), evidence("process-views/probe-dirents")}, item.pid);
  }

  // In the collector's own procfs before and after, and not in the mounted one between.
  void mounted_listing() {
    const ProcListing* mounted = find_listing(raw_, 1, true);
    if (mounted == nullptr || before_ == nullptr) return;
    for (std::uint32_t i = 0; i < snapshot_.processes.size(); ++i) {
      const model::Process& process = snapshot_.processes[i];
      // It was read after that listing, so what had started before it lived through it.
      if (!mounted->whole || has(*mounted, process.pid) || !has(*before_, process.pid) || !started_before(process, *before_)) continue;
      report(model::kCheckHidden,
             "process " + std::to_string(process.pid) + " is in a procfs of the collector's own, and not in /proc as it is mounted",
             {evidence(before_->member), evidence(mounted->member)});
      found_.findings.back().processes = {i};
    }
  }

  void mounts_over() {
    for (const auto& [pid, point] : hiding_mounts(records_)) {
      const bool is_known = !processes_of(pid).empty();
      report(model::kCheckMountOver,
             "something is mounted over " + point + ": who reads /proc there is not shown process " + std::to_string(pid) +
                 (is_known ? "" : ", and neither was this capture"),
             {}, pid);
    }
  }

  // A process that was there before a listing has its parent in it: parents are older, and orphans get a living one.
  void parents() {
    if (before_ == nullptr || !before_->whole) return unchecked(model::kCheckParent, "no whole listing of /proc was kept");
    if (raw_.times.count(before_->member) == 0) return unchecked(model::kCheckParent, "the journal does not say when /proc was listed");
    std::set<std::int64_t> reported;
    for (std::uint32_t i = 0; i < snapshot_.processes.size(); ++i) {
      const model::Process& process = snapshot_.processes[i];
      if (!process.ppid || *process.ppid <= 0 || !process.start_ticks || !has(*before_, process.pid)) continue;
      if (!started_before(process, *before_)) continue;
      if (has(*before_, *process.ppid) || !reported.insert(*process.ppid).second) continue;
      report(model::kCheckParent,
             "process " + std::to_string(process.pid) + " names " + std::to_string(*process.ppid) + " as its parent, which a listing of /proc made after it started lacks",
             {evidence(before_->member), {"proc/" + std::to_string(process.pid) + "/stat", std::nullopt, "ppid", {}, {}}}, *process.ppid);
      found_.findings.back().processes.push_back(i);
      std::sort(found_.findings.back().processes.begin(), found_.findings.back().processes.end());
    }
  }

  // The kernel counts the processes of all pid namespaces: only the first one shows them all.
  void process_count() {
    if (snapshot_.capture.inner_pid_namespace)
      return unchecked(model::kCheckCount, "the collector ran in an inner pid namespace: the kernel's count is of all of them");
    constexpr std::uint64_t kOwnLinks = 2;  // "." and the entry in the parent
    bool compared = false;
    for (const auto& [pass, counts] : raw_.counts) {
      const ProcListing* listing = find_listing(raw_, pass, false);
      if (listing == nullptr || !listing->whole || !counts.links.quiet() || !counts.forks.quiet()) continue;
      compared = true;
      // Of what is no process, folders have a link each; in some kernels (5.10.223, 6.1.176) all that proc_register() makes has one
      // (fs/proc/generic.c).
      const std::uint64_t links = *counts.links.before, processes = listing->pids.size();
      if (links == kOwnLinks + listing->folders + processes || links == kOwnLinks + listing->fixed + processes) continue;
      report(model::kCheckCount,
             "the kernel counts " + std::to_string(static_cast<std::int64_t>(links - kOwnLinks - listing->folders)) +
                 " processes (links of /proc), its listing has " + std::to_string(processes),
             {evidence("process-views/pass" + std::to_string(pass) + "/counts"), evidence(listing->member)});
    }
    if (!compared) unchecked(model::kCheckCount, raw_.counts.empty() ? "the kernel's counts were not taken" : "processes came and went while they were counted");
  }

  // Of all threads, where none came or went from the first listing to the last.
  void thread_count() {
    const decode::ProcessCounts* first = nullptr;
    const decode::ProcessCounts* last = nullptr;
    for (const auto& [pass, counts] : raw_.counts) (pass == 1 ? first : last) = &counts;
    if (snapshot_.capture.inner_pid_namespace)
      return unchecked(model::kCheckThreads, "the collector ran in an inner pid namespace: the kernel's count is of all of them");
    if (first == nullptr || last == nullptr) return unchecked(model::kCheckThreads, "the kernel's counts were not taken");
    if (!first->forks.quiet() || !last->forks.quiet() || first->forks.before != last->forks.before ||
        !first->threads.quiet() || first->threads.before != last->threads.after)
      return unchecked(model::kCheckThreads, "processes or threads came and went while the capture read them");
    std::uint64_t sum = 0;
    for (const auto& [id, process] : records_.processes) {
      if (!process.stat) return unchecked(model::kCheckThreads, "process " + std::to_string(id.pid) + " could not be read");
      sum += static_cast<std::uint64_t>(std::max<std::int64_t>(0, process.stat->num_threads));
    }
    if (sum == *first->threads.before) return;
    report(model::kCheckThreads,
           "the kernel counts " + std::to_string(*first->threads.before) + " threads (loadavg), the processes have " + std::to_string(sum),
           {evidence("process-views/pass1/counts"), evidence("process-views/pass2/counts")});
  }

  const Records& records_;
  const RawViews& raw_;
  const model::Snapshot& snapshot_;
  model::Findings& found_;
  const ProcListing* before_ = nullptr;
};

}  // namespace

void check_processes(const Records& records, const model::Snapshot& snapshot, model::Findings& found) {
  ProcessChecks(records, snapshot, found).run();
}

}  // namespace ssnap::reconstruct
