// Host-wide files: what turns numbers into names offline, and what tells the machine's state.
#pragma once

#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

std::vector<std::shared_ptr<Task>> host_file_tasks(const Host& host);
// What must be the same after the capture as before: read again, as member after/proc/modules.
std::vector<std::shared_ptr<Task>> after_tasks(const Host& host);

}  // namespace ssnap::capture
