// Which of the kernel's tables can be asked for without a module being loaded.
#pragma once

#include <future>
#include <string>
#include <vector>

#include "archive/journal.h"
#include "capture/diag_handlers.h"
#include "capture/host.h"

namespace ssnap::capture {

struct FoundTables {
  std::vector<Presence> present;  // of the socket tables, then the route tables
  archive::JournalEntry looked;
};

// `in_thread`: beside what the caller does next, if a thread is to be had; else when it is asked for.
std::future<FoundTables> look_for_tables(const Host& host, std::string kernel_release, bool in_thread);

}  // namespace ssnap::capture
