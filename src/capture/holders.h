// Which sockets no fd table explains.
#pragma once

#include <vector>

#include "capture/seen.h"

namespace ssnap::capture {

// Sorts by inode; of one inode in several tables one row remains, the one that asks for the longest look.
void sort_inodes(std::vector<TableInode>& inodes);
// Those of `a` that are in `b` as well. Both sorted.
std::vector<TableInode> in_both(const std::vector<TableInode>& a, const std::vector<TableInode>& b);
bool contains(const std::vector<TableInode>& sorted, std::uint32_t inode);
// Those that no fd table and no io_uring in `walks` holds, without the kernel's and the collector's own.
std::vector<TableInode> without_holder(const std::vector<TableInode>& sockets, const Seen& walks);

}  // namespace ssnap::capture
