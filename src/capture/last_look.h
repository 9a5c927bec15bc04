// The last look for the holders of sockets that no fd table explains (docs/adr/0009).
#pragma once

#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// fdinfo of every fd that is one of the UNIX sockets `local` (sorted), kept where descriptors wait in its queue.
std::shared_ptr<Task> waiting_fds_task(const Host& host, const std::vector<TableInode>& local, const Seen& walks);

// maps of every process, kept where a socket or an io_uring is mapped.
std::shared_ptr<Task> maps_task(const Host& host, const Seen& walks);

}  // namespace ssnap::capture
