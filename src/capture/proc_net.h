// The procfs side of one network namespace: every file below /proc/net, recursively, and the sysctls that decide how
// far its listeners reach.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/netns.h"
#include "capture/reader_pool.h"
#include "decode/socket_inodes.h"

namespace ssnap::capture {

// Tables of which there is no dump: their inodes are noted as Seen::listed, those of the others as Seen::twins.
using Undumped = std::vector<const decode::InodeTable*>;

// One task that lists and reads everything, file after file.
std::shared_ptr<Task> proc_net_task(std::shared_ptr<const NetnsAccess> netns, Undumped undumped = {});

// The same as one task a file, for the namespace with the large tables: the slow ones first, so that readers share them.
// The calling thread must be in the namespace. What can't be listed and what is skipped by design is in `found`.
std::vector<std::shared_ptr<Task>> proc_net_file_tasks(std::shared_ptr<const NetnsAccess> netns,
                                                       std::vector<archive::JournalEntry>& found,
                                                       const Undumped& undumped = {});

// Those tables again, one after the other, and the kernel's counters before and after them, as members of `folder`
// ("confirm/round1") below netns/INODE/.
std::shared_ptr<Task> tables_again_task(std::shared_ptr<const NetnsAccess> netns, const std::vector<const decode::InodeTable*>& tables,
                                        const std::string& folder);

}  // namespace ssnap::capture
