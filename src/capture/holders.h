// Which sockets no fd table explains.
#pragma once

#include <vector>

#include "capture/seen.h"

namespace ssnap::capture {

// Sorts by inode; of one inode in several tables one row remains, the one that asks for the longest look.
void sort_inodes(std::vector<TableInode>& inodes);
// Those of `a` that are in `b` as well, or that are not. Both sorted.
std::vector<TableInode> in_both(const std::vector<TableInode>& a, const std::vector<TableInode>& b);
std::vector<TableInode> only_in_first(const std::vector<TableInode>& a, const std::vector<TableInode>& b);
bool contains(const std::vector<TableInode>& sorted, std::uint32_t inode);

// Of a walk: sockets in `dumped`, which is sorted, are known; that they are held is all that is needed of them from now on. On a
// host with a million of them the rest would be 12 MB. UNIX sockets stay, for the look at what waits in them.
void forget_known_fds(Seen& walk, const std::vector<TableInode>& dumped);
// What is in fd tables or io_urings, and the collector's own sockets: sorted.
std::vector<std::uint32_t> explained_inodes(const Seen& walks);
// Those of `sockets`, which are sorted, that are not in `explained`, without the kernel's.
std::vector<TableInode> without_holder(const std::vector<TableInode>& sockets, const std::vector<std::uint32_t>& explained);
// Those of `held`, which are in `explained`, that no dump showed. `dumped` is sorted.
std::vector<HeldInode> unseen_sockets(const std::vector<HeldInode>& held, const std::vector<std::uint32_t>& explained,
                                      const std::vector<TableInode>& dumped);

}  // namespace ssnap::capture
