// The archive's own lists of what else shows processes (docs/format.md): process-views/passN/counts, process-views/probe
// and process-views/cgroup.procs. Numbers are decimal; "-" stands for what could not be had.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace ssnap::decode {

// A count of the kernel's before and after a listing of /proc.
struct Bracket {
  std::optional<std::uint64_t> before, after;
  bool quiet() const { return before && before == after; }
};

// "links 144 144", "forks 4570 4570", "threads 151 151".
struct ProcessCounts {
  Bracket links;    // st_nlink of /proc (proc_root_getattr, fs/proc/root.c): 2, its fixed folders (in some kernels
                    // all fixed entries but self and thread-self), and every process of the host, whatever its pid namespace
  Bracket forks;    // processes and threads made since boot ("processes" of /proc/stat)
  Bracket threads;  // threads of the host now (/proc/loadavg, fourth word, behind the slash)
  base::Problems problems;
};
ProcessCounts decode_process_counts(std::string_view bytes);

// A process that answered to its number, or was in a cgroup, before and after a listing that lacks it.
struct UnlistedProcess {
  std::int64_t pid = 0;
  bool in_cgroup = false;  // found by cgroup.procs; else by its number
  std::optional<std::uint64_t> start_ticks;  // of /proc/PID/stat, which a name look-up gave; absent: not even that
  std::uint64_t offset = 0;
};

struct ProcessProbe {
  std::optional<std::int64_t> first, last;  // the numbers tried by pidfd_open; absent: none could be
  std::vector<std::int64_t> alive;          // that answered, ascending
  std::vector<UnlistedProcess> unlisted;
  base::Problems problems;
};
ProcessProbe decode_process_probe(std::string_view bytes);

}  // namespace ssnap::decode
