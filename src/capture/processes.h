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
// `with_mountinfo`: that file too, of one process a mount namespace.
std::shared_ptr<Task> process_task(const Host& host, std::int64_t pid, bool with_mountinfo);

// The fd table alone, again: member proc/PID/passN/fds, kept where it differs from `before`. Unless `whole`, a table whose
// size is still the same is not read (st_size of /proc/PID/fd is the number of open fds, Linux 6.2 and later).
std::shared_ptr<Task> fd_task(const Host& host, const FdTable& before, int pass, bool whole);

// For sockets in fd tables that no dump showed: whether the fd is still the same, and what system.sockprotoname says.
// The answers are kept as member sockprotonames/passN.
std::shared_ptr<Task> sockprotoname_task(const Host& host, std::vector<HeldInode> held, int pass);

}  // namespace ssnap::capture
