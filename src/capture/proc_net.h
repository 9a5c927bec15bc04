// The procfs side of one network namespace: every file below /proc/net, recursively, and the sysctls that decide how
// far its listeners reach.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "capture/netns.h"
#include "capture/proc_net_inodes.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// Tables whose inodes are noted (Seen::listed), since no dump gives them.
using Undumped = std::vector<const InodeTable*>;

// One task that lists and reads everything, file after file.
std::shared_ptr<Task> proc_net_task(std::shared_ptr<const NetnsAccess> netns, Undumped undumped = {});

// The same as one task a file, for the namespace with the large tables: the slow ones first, so that readers share them.
// The calling thread must be in the namespace. What can't be listed and what is skipped by design is in `found`.
std::vector<std::shared_ptr<Task>> proc_net_file_tasks(std::shared_ptr<const NetnsAccess> netns,
                                                       std::vector<archive::JournalEntry>& found,
                                                       const Undumped& undumped = {});

}  // namespace ssnap::capture
