// The account, for people: each table's views against each other and against the kernel's own counters.
#pragma once

#include <string>

#include "model/snapshot.h"

namespace ssnap::render {

// Appends the account of each namespace and of the sockets held in fd tables, and where the tables of the host's own
// namespace came from; nothing where the snapshot has no account. Escaped for a terminal.
void append_account(std::string& out, const model::Snapshot& snapshot);

}  // namespace ssnap::render
