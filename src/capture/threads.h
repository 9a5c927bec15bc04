// The threads of a process, as far as they hold what their leader doesn't.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "capture/host.h"
#include "capture/output.h"
#include "capture/process_files.h"

namespace ssnap::capture {

// Below `directory`, an open /proc/PID whose leader has exited: the first thread that has not. nullopt: there is none.
std::optional<std::int64_t> find_living_thread(int directory, std::int64_t pid, Output& output);

// The threads below `directory` whose fd table is not their leader's; of those that share one, the first. A thread that is
// just ending comes too: its table is empty. By kcmp; where that is not there or not allowed, by what the tables hold.
// Whatever could not be compared is journalled (source proc_pid_task).
std::vector<std::int64_t> threads_with_tables(const Host& host, int directory, const Whose& leader, Output& output);

// task/TID below `directory`; held open, it stays bound to this thread.
base::Fd open_thread(int directory, std::int64_t tid);

}  // namespace ssnap::capture
