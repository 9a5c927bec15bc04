// A process that is called like a kernel thread, is none, and holds sockets.
#include <algorithm>
#include <iterator>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

// Beginnings of the names of kernel threads, as in ps: what processes of other kinds aren't called.
constexpr std::string_view kKernelNames[] = {"kworker/", "kthreadd", "ksoftirqd/", "kswapd", "kcompactd", "khugepaged", "kdevtmpfs", "kauditd", "khungtaskd",
                                             "kblockd", "kintegrityd", "kthrotld", "ksmd", "migration/", "watchdog/", "cpuhp/", "idle_inject/", "rcu_", "rcuop/",
                                             "rcuog/", "jbd2/", "ext4-rsv-conver", "xfs-", "xfsaild/", "irq/", "scsi_eh_", "scsi_tmf_", "oom_reaper", "writeback",
                                             "netns", "kstrp", "mm_percpu_wq", "inet_frag_wq", "md_", "dm-", "nfsd", "lockd", "edac-poller", "ata_sff", "devfreq_wq"};

bool is_kernel_name(std::string_view name) {
  return std::any_of(std::begin(kKernelNames), std::end(kKernelNames), [&](std::string_view one) {
    return one.back() == '/' || one.back() == '_' || one.back() == '-' ? name.starts_with(one) && name.size() > one.size() : name == one;
  });
}

// As ps prints what has no command line: "[kworker/0:1]".
bool is_bracketed(std::string_view name) { return name.size() > 2 && name.front() == '[' && name.back() == ']'; }

}  // namespace

void find_kernel_thread_name(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    const auto& process = scene.snapshot.processes[i];
    // Without its stat it isn't known whether it is a kernel thread.
    if (process.kernel_thread || !process.start_ticks || scene.holdings(i).empty()) continue;
    const bool command = process.cmdline && !process.cmdline->empty() && (is_bracketed(process.cmdline->front()) || is_kernel_name(process.cmdline->front()));
    if (!command && !is_kernel_name(process.comm) && !is_bracketed(process.comm)) continue;
    std::string sentence = scene.process_at_home(i) + " is called like a kernel thread";
    if (command) sentence += " (" + process.cmdline->front() + ')';
    sentence += " and is none";
    if (process.exe) sentence += ": it runs " + *process.exe;
    std::vector<std::uint32_t> sockets;
    for (const auto& holding : scene.holdings(i)) sockets.push_back(holding.socket);
    std::sort(sockets.begin(), sockets.end());
    sockets.erase(std::unique(sockets.begin(), sockets.end()), sockets.end());
    sentence += ", and holds " + scene.socket(sockets.front());
    if (sockets.size() > 1) sentence += " and " + std::to_string(sockets.size() - 1) + " more";
    auto finding = scene.finding(rule, std::move(sentence), std::move(sockets), {i});
    scene.add_evidence(finding, i, "stat");
    scene.add_evidence(finding, i, "cmdline");
    if (process.exe) scene.add_evidence(finding, i, "links", "exe");
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
