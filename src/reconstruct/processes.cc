#include "base/clock.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

constexpr std::uint64_t kPfKthread = 0x00200000;  // include/linux/sched.h, PF_KTHREAD

// Start ticks are below the uptime: past this (1000 years of 1000 Hz ticks) the number is no start time.
constexpr std::uint64_t kMaxStartTicks = 1000ull * 366 * 86400 * 1000;

std::optional<std::int64_t> start_time(const Records& records, std::uint64_t start_ticks) {
  const std::int64_t tick_hz = records.host.clk_tck;
  if (!records.boot_realtime_nsec || tick_hz <= 0 || start_ticks > kMaxStartTicks) return std::nullopt;
  const auto ticks = static_cast<std::int64_t>(start_ticks);
  // Whole seconds and the rest apart, for the product of ticks and nanoseconds may not fit.
  const auto seconds = base::multiply_time(ticks / tick_hz, base::kNsecPerSec);
  const auto rest = base::multiply_time(ticks % tick_hz, base::kNsecPerSec);
  if (!seconds || !rest) return std::nullopt;
  const auto since_boot = base::add_times(*seconds, *rest / tick_hz);
  return since_boot ? base::add_times(*records.boot_realtime_nsec, *since_boot) : std::nullopt;
}

}  // namespace

void build_processes(const Records& records, model::Snapshot& snapshot) {
  for (const auto& [pid, from] : records.processes) {
    model::Process process;
    process.pid = pid;
    if (from.stat) {
      process.comm = from.stat->comm;
      process.ppid = from.stat->ppid;
      process.session = from.stat->session;
      process.start_ticks = from.stat->start_ticks;
      process.start_realtime_nsec = start_time(records, from.stat->start_ticks);
      process.kernel_thread = (from.stat->flags & kPfKthread) != 0;
      process.zombie = from.stat->state == 'Z';
    } else if (from.status) {
      process.comm = from.status->name.value_or("");
      process.ppid = from.status->ppid;
    }
    if (from.status && from.status->uids) {
      process.uid = (*from.status->uids)[0];
      process.euid = (*from.status->uids)[1];
    }
    process.exe = from.exe;
    process.cwd = from.cwd;
    process.root = from.root;
    process.cmdline = from.cmdline;
    process.cgroup = from.cgroup;
    process.namespaces = from.namespaces;
    process.fds_readable = from.fds_seen && from.fds_unreadable == 0;
    process.fd_count = from.fd_count;
    snapshot.processes.push_back(std::move(process));
  }
}

}  // namespace ssnap::reconstruct
