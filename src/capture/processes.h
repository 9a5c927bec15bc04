// Every process: who it is, and every fd that it holds.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// The pids that /proc lists, ascending. Journalled in `entry` (source proc_list, count).
std::vector<std::int64_t> list_processes(const Host& host, archive::JournalEntry& entry);

// stat, fds, links, status, cgroup and cmdline of one process. Everything is read below one open /proc/PID, which
// stays bound to this process: if it ends, reads fail with ESRCH; they never show another that got the same pid.
std::shared_ptr<Task> process_task(const Host& host, std::int64_t pid);

}  // namespace ssnap::capture
