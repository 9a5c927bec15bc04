// cgroup ids -> paths: what INET_DIAG_CGROUP_ID of a socket means.
#pragma once

#include <memory>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// Walks the cgroup2 mount (found in /proc/self/mountinfo) and keeps "INODE PATH" of each directory as member
// cgroup2-ids, records ended by NUL. The id of a cgroup is the inode of its directory (include/linux/cgroup.h).
std::shared_ptr<Task> cgroup_ids_task(const Host& host);

}  // namespace ssnap::capture
