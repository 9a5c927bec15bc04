// The files of one process below /proc/PID that say who it is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "base/result.h"

namespace ssnap::decode {

// /proc/PID/stat (do_task_stat, fs/proc/array.c). comm may hold anything: it ends at the last ')'.
struct ProcPidStat {
  std::int64_t pid = 0;
  std::string comm;
  char state = '?';  // R S D T t Z X I ...
  std::int64_t ppid = 0;
  std::int64_t pgrp = 0;
  std::int64_t session = 0;
  std::int64_t tty_nr = 0;
  std::uint64_t flags = 0;          // PF_*: 0x00200000 PF_KTHREAD, 0x40 PF_FORKNOEXEC
  std::int64_t num_threads = 0;
  std::uint64_t start_ticks = 0;    // field 22, CLK_TCK since boot
};
base::Result<ProcPidStat> decode_proc_pid_stat(std::string_view bytes);

// /proc/PID/status (proc_pid_status, fs/proc/array.c). Each line that isn't there is absent.
struct ProcPidStatus {
  std::optional<std::string> name;                       // comm with '\n' and '\\' escaped by the kernel
  std::optional<std::int64_t> tgid, ppid, tracer_pid;
  std::optional<std::array<std::uint32_t, 4>> uids;      // real, effective, saved, filesystem
  std::optional<std::array<std::uint32_t, 4>> gids;
  std::vector<std::int64_t> ns_pids;                     // NSpid: from the reader's pid namespace inwards
  std::optional<std::int64_t> threads;
  std::optional<bool> kernel_thread;                     // Kthread: (6.8 and later)
  // CapPrm, CapEff, CapBnd: bit 1 << CAP_*
  std::optional<std::uint64_t> capabilities_permitted, capabilities_effective, capabilities_bounding;
  base::Problems problems;
};
ProcPidStatus decode_proc_pid_status(std::string_view bytes);

// /proc/PID/cgroup (proc_cgroup_show, kernel/cgroup/cgroup.c): "9:name=systemd:/", "0::/user.slice".
struct CgroupRow {
  std::uint32_t hierarchy = 0;  // 0: cgroup v2
  std::string controllers;
  std::string path;
};
base::Decoded<CgroupRow> decode_proc_pid_cgroup(std::string_view bytes);

// /proc/PID/cmdline (get_mm_cmdline): arguments each ended by NUL. A process may have rewritten it: one without a NUL
// at the end is one argument. Empty for kernel threads and zombies. /proc/PID/environ (environ_read) has the same form.
std::vector<std::string> decode_proc_pid_cmdline(std::string_view bytes);

}  // namespace ssnap::decode
