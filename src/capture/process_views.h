// The processes of the host, asked for in other ways than by listing /proc once: what hides a process from one of them
// seldom hides it from all. docs/findings.md says what is concluded; here the answers are kept as they came.
#pragma once

#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// The listing of /proc as getdents64 gave it, of the procfs that is read and, where that one is mounted nowhere, of the
// mounted one as well; and the kernel's counts of processes, forks and threads before and after it.
std::shared_ptr<Task> process_listing_task(const Host& host, int pass);

// What the numbers of processes themselves say, and the cgroups: which of them answer that no listing shows.
std::shared_ptr<Task> process_probe_task(const Host& host);

}  // namespace ssnap::capture
