// /proc/net of one network namespace: every file below it, recursively.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// Lists `net` (an open /proc/.../net) and makes a task for each file. A directory that can't be listed, or is nested too
// deep, and what is skipped by design is journalled in `found`.
std::vector<std::shared_ptr<Task>> proc_net_tasks(std::shared_ptr<const base::Fd> net, std::uint64_t netns_inode,
                                                  std::vector<archive::JournalEntry>& found);

}  // namespace ssnap::capture
