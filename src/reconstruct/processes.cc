// Who the processes are.
#include <algorithm>
#include <set>

#include "base/clock.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

// PF_* (include/linux/sched.h).
constexpr std::uint64_t kPfForkNoExec = 0x00000040;
constexpr std::uint64_t kPfKthread = 0x00200000;

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

// True where a gap means that some table of fds may hold what was not seen.
bool hides_fds(const model::Gap& gap) {
  if (!gap.pid || (gap.source != "proc_pid_fd" && gap.source != "proc_pid_task")) return false;
  return gap.kind == base::OutcomeKind::denied || gap.kind == base::OutcomeKind::timeout ||
         gap.kind == base::OutcomeKind::cut;
}

std::set<ProcessId> processes_with_hidden_fds(const model::Snapshot& snapshot) {
  std::set<ProcessId> hidden;
  for (const model::Gap& gap : snapshot.gaps)
    if (hides_fds(gap)) hidden.emplace(*gap.pid, gap.member.find("/reused/") != std::string::npos);
  return hidden;
}

// The files that the process has none of, from a thread.
template <class From>
void add_files(const From& from, model::Process& process) {
  if (!process.exe) process.exe = from.exe;
  if (!process.cwd) process.cwd = from.cwd;
  if (!process.root) process.root = from.root;
  // Of a zombie the kernel gives an empty one.
  if (from.cmdline && (!process.cmdline || process.cmdline->empty())) process.cmdline = from.cmdline;
  if (from.environ && (!process.environ || process.environ->empty())) process.environ = from.environ;
  if (!process.cgroup) process.cgroup = from.cgroup;
  for (const auto& [kind, inode] : from.namespaces) process.namespaces.emplace(kind, inode);
  if (!from.status) return;
  const decode::ProcPidStatus& status = *from.status;
  if (status.uids && !process.uid) {
    process.uid = (*status.uids)[0];
    process.euid = (*status.uids)[1];
  }
  if (status.gids && !process.gid) {
    process.gid = (*status.gids)[0];
    process.egid = (*status.gids)[1];
  }
  if (!process.capabilities_effective) process.capabilities_effective = status.capabilities_effective;
  if (!process.capabilities_permitted) process.capabilities_permitted = status.capabilities_permitted;
  if (!process.capabilities_bounding) process.capabilities_bounding = status.capabilities_bounding;
  if (process.ns_pids.empty()) process.ns_pids = status.ns_pids;
}

// A leader that has exited keeps its pid, name and uids until its threads have ended; the rest only they have.
void add_living_thread(const ProcessRecords& from, model::Process& process) {
  for (const auto& [tid, thread] : from.threads) {
    if (tid == process.pid || (thread.stat && (thread.stat->state == 'Z' || thread.stat->state == 'X'))) continue;
    process.living_thread = tid;
    add_files(thread, process);
    return;
  }
}

// The file may have lost its name between the walk and the hash; under another name it is another one.
std::string_view without_deleted(std::string_view exe) {
  if (exe.ends_with(kDeleted)) exe.remove_suffix(kDeleted.size());
  return exe;
}

std::optional<std::string> exe_hash_of(const Records& records, const model::Process& process) {
  const auto hash = records.exe_hashes.find({process.pid, process.start_ticks.value_or(0)});
  if (hash == records.exe_hashes.end() || !process.exe) return std::nullopt;
  if (without_deleted(hash->second.target) != without_deleted(*process.exe)) return std::nullopt;
  return hash->second.sha256;
}

}  // namespace

std::map<std::int64_t, std::string> hiding_mounts(const Records& records) {
  std::map<std::int64_t, std::string> hiding;
  for (const ProcMount& mount : records.proc_mounts) {
    const auto seen_by = records.processes.find(mount.seen_by);
    if (seen_by == records.processes.end() || !records.own_mount_namespace) continue;
    const auto mounts = seen_by->second.namespaces.find("mnt");
    if (mounts == seen_by->second.namespaces.end() || mounts->second != *records.own_mount_namespace) continue;
    auto& point = hiding[mount.pid];
    if (point.empty() || mount.mount_point < point) point = mount.mount_point;
  }
  return hiding;
}

void build_processes(const Records& records, model::Snapshot& snapshot) {
  constexpr std::string_view kMemfd = "/memfd:";
  const auto hidden = processes_with_hidden_fds(snapshot);
  const auto hiding = hiding_mounts(records);
  const std::int64_t tick_hz = records.host.clk_tck;
  for (const auto& [id, from] : records.processes) {
    model::Process process;
    process.pid = id.pid;
    bool is_dead = false;  // no thread of it lives
    if (from.stat) {
      process.comm = from.stat->comm;
      process.ppid = from.stat->ppid;
      process.session = from.stat->session;
      process.start_ticks = from.stat->start_ticks;
      process.start_realtime_nsec = start_time(records, from.stat->start_ticks);
      if (process.start_realtime_nsec) process.start_error_nsec = base::kNsecPerSec / tick_hz;
      process.kernel_thread = (from.stat->flags & kPfKthread) != 0;
      process.forked_only = (from.stat->flags & kPfForkNoExec) != 0;
      process.zombie = from.stat->state == 'Z';
      is_dead = process.zombie && from.stat->num_threads <= 1;
    } else if (from.status) {
      process.comm = from.status->name.value_or("");
      process.ppid = from.status->ppid;
    }
    add_files(from, process);
    if (process.zombie) add_living_thread(from, process);
    process.login_uid = from.login_uid;
    process.audit_session = from.audit_session;
    process.security_label = from.security_label;
    process.exe_sha256 = exe_hash_of(records, process);
    process.exe_deleted = process.exe && process.exe->ends_with(kDeleted);
    process.exe_memfd = process.exe_deleted && process.exe->starts_with(kMemfd);
    if (const auto mounts = process.namespaces.find("mnt"); mounts != process.namespaces.end())
      process.other_mount_namespace = records.own_mount_namespace && mounts->second != *records.own_mount_namespace;
    if (const auto over = hiding.find(id.pid); over != hiding.end()) process.mounted_over = over->second;
    // A zombie has no table of its own: its threads' are all, and without threads there is none.
    const bool was_read = process.zombie ? is_dead || !from.own_tables.empty() : from.fds_seen;
    process.fds_readable = was_read && from.fds_unreadable == 0 && hidden.count(id) == 0;
    process.fd_count = from.fd_count;
    snapshot.processes.push_back(std::move(process));
  }
}

}  // namespace ssnap::reconstruct
