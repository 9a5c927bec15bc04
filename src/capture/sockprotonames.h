// The protocols of sockets that are in an fd table and in no dump.
#pragma once

#include <memory>
#include <vector>

#include "capture/host.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// Whether each fd is still the same socket, and what system.sockprotoname says. The answers are kept as member
// sockprotonames/passN.
std::shared_ptr<Task> sockprotoname_task(const Host& host, std::vector<HeldInode> held, int pass);

}  // namespace ssnap::capture
