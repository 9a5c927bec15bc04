// Which of the kernel's tables can be asked for without a module being loaded.
#pragma once

#include <future>
#include <string>
#include <vector>

#include "archive/journal.h"
#include "capture/diag_handlers.h"
#include "capture/host.h"
#include "capture/netlink_dump.h"

namespace ssnap::capture {

struct FoundTables {
  std::vector<Presence> present;  // of the socket tables, then the route tables, then requests by family
  archive::JournalEntry looked;
};

// `in_thread`: beside what the caller does next, if a thread is to be had; else when it is asked for.
std::future<FoundTables> look_for_tables(const Host& host, std::string kernel_release, bool in_thread);

// Which of them to ask, and entries that say why not the others. `allow_module_load`: also socket tables whose handler is not there.
struct ChosenTables {
  std::vector<const NetlinkTable*> sockets, routes;
  std::vector<archive::JournalEntry> left_out;
};
ChosenTables choose_tables(const FoundTables& found, bool allow_module_load);

}  // namespace ssnap::capture
