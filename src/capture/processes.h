// Every process: who it is, and every fd that it holds.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/process_files.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// The pids that /proc lists, ascending. Journalled in `entry` (source proc_list, count).
std::vector<std::int64_t> list_processes(const Host& host, archive::JournalEntry& entry);

// Files that not every kernel has.
struct OptionalFiles {
  bool loginuid = false, sessionid = false;  // CONFIG_AUDIT
  bool label = false;                        // attr/current: a security module that labels processes
  bool environ = false;                      // asked for (CaptureOptions::include_environ)
};
// Asked once, for the collector itself; what is not there is one entry (source proc_pid).
OptionalFiles find_optional_files(const Host& host, archive::JournalEntry& entry);

// stat, fds, links, status, cgroup, cmdline and so on of one process, and the fd tables of threads that have their own.
// Everything is read below one open /proc/PID, which stays bound to this process: if it ends, reads fail with ESRCH;
// they never show another that got the same pid. `with_mountinfo`: that file too, of one process a mount namespace.
std::shared_ptr<Task> process_task(const Host& host, const Whose& whose, OptionalFiles files, bool with_mountinfo);

// The fd tables alone, again: members passN/fds. Unless `whole`, only those whose size has changed; if `whole`, threads
// are compared with their leaders again. Where the pid is another process's by now, that one is read whole, as
// proc/PID/reused/..., if `may_be_reused`.
std::shared_ptr<Task> second_look_task(const Host& host, KnownProcess before, int pass, bool whole, OptionalFiles files,
                                       bool may_be_reused = true);

// Opens /proc/PID if it is still the process that it was. Returns errno; EEXIST: it is another one by now.
int open_same_process(const Host& host, const SeenProcess& process, base::Fd& directory);

}  // namespace ssnap::capture
