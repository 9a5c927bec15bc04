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
  return !name.empty() && std::any_of(std::begin(kKernelNames), std::end(kKernelNames), [&](std::string_view one) {
    return one.back() == '/' || one.back() == '_' || one.back() == '-' ? name.starts_with(one) && name.size() > one.size() : name == one;
  });
}

// As ps prints what has no command line: "[kworker/0:1]".
bool is_bracketed(std::string_view name) { return name.size() > 2 && name.front() == '[' && name.back() == ']'; }

}  // namespace

void find_kernel_thread_name(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    const auto& process = scene.process(i);
    // Without its stat it isn't known whether it is a kernel thread.
    if (process.kernel_thread || !process.start_ticks || scene.holdings(i).empty()) continue;
    const std::string_view command = process.cmdline && !process.cmdline->empty() ? std::string_view(process.cmdline->front()) : std::string_view();
    const bool by_command = is_bracketed(command) || is_kernel_name(command);
    if (!by_command && !is_bracketed(process.comm) && !is_kernel_name(process.comm)) continue;
    Text text;
    scene.put_process(text, i);
    text << " is called like a kernel thread";
    if (by_command) text << " (" << command << ")";
    text << " and is none";
    if (process.exe) text << ": it runs " << *process.exe;
    text << ", and holds ";
    auto sockets = scene.held_sockets(i, is_any);
    scene.put_sockets(text, sockets);
    auto& finding = scene.report(findings, rule, text, std::move(sockets), {i});
    scene.add_evidence(finding, i, "stat");
    scene.add_evidence(finding, i, "cmdline");
    if (process.exe) scene.add_evidence(finding, i, "links", "exe");
  }
}

}  // namespace ssnap::analyze
