#include "capture/host.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/mountinfo.h"
#include "decode/proc_pid.h"

namespace ssnap::capture {
namespace {

// Linux 5.2 (include/uapi/linux/mount.h); their numbers are the same on every architecture.
constexpr long kFsopen = 430, kFsconfig = 431, kFsmount = 432;
constexpr unsigned kCloexec = 1;        // FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC
constexpr unsigned kConfigCreate = 6;   // FSCONFIG_CMD_CREATE
constexpr unsigned kReadOnly = 1 | 2 | 4 | 8;  // MOUNT_ATTR_RDONLY, _NOSUID, _NODEV, _NOEXEC

constexpr std::size_t kMaxStatusBytes = 64 * 1024;
constexpr std::size_t kMaxMountinfoBytes = 16 * 1024 * 1024;

base::Fd open_directory(const char* path) { return base::Fd(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

// A procfs of the collector's pid namespace that is in no mount table; nothing is mounted over anything in it.
base::Fd detached_procfs(int& error) {
  error = 0;
  const base::Fd context(static_cast<int>(::syscall(kFsopen, "proc", kCloexec)));
  if (context && ::syscall(kFsconfig, context.get(), kConfigCreate, nullptr, nullptr, 0) == 0) {
    base::Fd mount(static_cast<int>(::syscall(kFsmount, context.get(), kCloexec, kReadOnly)));
    if (mount) return mount;
  }
  error = errno;
  return base::Fd();
}

// True if /proc lists processes only to who may trace them (hidepid=2 or 4, by its names since Linux 5.8), and the collector
// may not trace all.
bool hides_processes(int proc) {
  constexpr unsigned kSysPtrace = 19;  // CAP_SYS_PTRACE
  std::string mountinfo, status;
  read_small_file(proc, "self/mountinfo", kMaxMountinfoBytes, mountinfo);
  std::string options;
  for (const auto& mount : decode::decode_mountinfo(mountinfo).rows)
    if (mount.mount_point == "/proc") options = "," + mount.super_options + ",";  // the last one covers the others
  const auto has = [&](const char* option) { return options.find(option) != std::string::npos; };
  if (!has(",hidepid=2,") && !has(",hidepid=4,") && !has(",hidepid=invisible,") && !has(",hidepid=ptraceable,")) return false;
  read_small_file(proc, "self/status", kMaxStatusBytes, status);
  const auto capabilities = decode::decode_proc_pid_status(status).capabilities_effective;
  return !capabilities || (*capabilities >> kSysPtrace & 1) == 0;
}

enum class PidView { own, outer, unknown };

// Whose numbers a procfs shows. A process sees itself in the procfs of its own and of every outer pid namespace.
PidView pid_view(int proc) {
  std::string target, status;
  if (read_link(proc, "self", target) != 0) return PidView::unknown;
  if (base::parse_integer<std::int64_t>(target) != ::getpid()) return PidView::outer;
  if (read_small_file(proc, "self/status", kMaxStatusBytes, status) != 0) return PidView::unknown;
  // NSpid (Linux 4.1): one number a level, from the procfs's inwards.
  return decode::decode_proc_pid_status(status).ns_pids.size() > 1 ? PidView::outer : PidView::own;
}

}  // namespace

base::Result<Host> open_host() {
  Host host;
  archive::JournalEntry& entry = host.procfs;
  entry.source = "procfs";
  entry.begin_nsec = boottime_nsec();
  host.root = open_directory("/");
  if (!host.root) return base::errno_error("can't open /", errno);
  base::Fd mounted = open_directory("/proc");
  const int no_proc = errno;
  const PidView view = mounted ? pid_view(mounted.get()) : PidView::unknown;
  if (view == PidView::outer) {
    // One of the collector's own would show the processes of its pid namespace only.
    host.proc = std::move(mounted);
    entry.detail = "/proc, which is of an outer pid namespace";
    entry.end_nsec = boottime_nsec();
    return host;
  }
  int error = 0;
  host.proc = detached_procfs(error);
  host.own_numbers = host.proc || view == PidView::own;
  if (host.proc) {
    host.detached = true;
    entry.detail = "a procfs of the collector's own, mounted nowhere";
  } else {
    if (!mounted) return base::errno_error("can't open /proc (is procfs mounted?)", no_proc);
    host.proc = std::move(mounted);
    // Unless it hides processes nothing is known to be missing: no refusal that makes the capture incomplete (docs/adr/0009).
    const bool hides = hides_processes(host.proc.get());
    entry.outcome = hides ? base::OutcomeKind::denied : base::OutcomeKind::unsupported;
    entry.errno_number = error;
    entry.detail = hides ? "/proc as it is mounted, which hides processes of other users (hidepid)"
                         : "/proc as it is mounted: what is mounted over it, or hidden by its options, is not seen";
  }
  entry.end_nsec = boottime_nsec();
  return host;
}

base::Result<Host> open_host(const char* root, const char* proc) {
  Host host;
  host.root = open_directory(root);
  if (!host.root) return base::errno_error(std::string("can't open ") + root, errno);
  host.proc = open_directory(proc);
  if (!host.proc) return base::errno_error(std::string("can't open ") + proc, errno);
  return host;
}

}  // namespace ssnap::capture
