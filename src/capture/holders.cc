#include "capture/holders.h"

#include <algorithm>

namespace ssnap::capture {
namespace {

bool inode_below(const TableInode& a, const TableInode& b) { return a.inode < b.inode; }

}  // namespace

void sort_inodes(std::vector<TableInode>& inodes) {
  const auto key = [](const TableInode& socket) {
    return std::uint64_t{socket.inode} << 8 | (0xff - static_cast<unsigned>(socket.kind));
  };
  const auto below = [&](const TableInode& a, const TableInode& b) { return key(a) < key(b); };
  if (!std::is_sorted(inodes.begin(), inodes.end(), below)) std::sort(inodes.begin(), inodes.end(), below);
  inodes.erase(std::unique(inodes.begin(), inodes.end(), [](const auto& a, const auto& b) { return a.inode == b.inode; }),
               inodes.end());
}

std::vector<TableInode> in_both(const std::vector<TableInode>& a, const std::vector<TableInode>& b) {
  std::vector<TableInode> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both), inode_below);
  return both;
}

bool contains(const std::vector<TableInode>& sorted, std::uint32_t inode) {
  return std::binary_search(sorted.begin(), sorted.end(), TableInode{inode, {}}, inode_below);
}

std::vector<TableInode> only_in_first(const std::vector<TableInode>& a, const std::vector<TableInode>& b) {
  std::vector<TableInode> only;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(only), inode_below);
  return only;
}

void forget_known_fds(Seen& walk, const std::vector<TableInode>& dumped) {
  std::erase_if(walk.held, [&](const HeldInode& held) {
    const auto at = std::lower_bound(dumped.begin(), dumped.end(), TableInode{held.inode, {}}, inode_below);
    if (at == dumped.end() || at->inode != held.inode || at->kind == SocketKind::local) return false;
    walk.explained.push_back(held.inode);
    return true;
  });
}

std::vector<std::uint32_t> explained_inodes(const Seen& walks) {
  std::vector<std::uint32_t> explained;
  explained.reserve(walks.explained.size() + walks.registered.size() + walks.held.size() + walks.own.size());
  explained.insert(explained.end(), walks.explained.begin(), walks.explained.end());
  explained.insert(explained.end(), walks.registered.begin(), walks.registered.end());
  explained.insert(explained.end(), walks.own.begin(), walks.own.end());
  for (const HeldInode& held : walks.held) explained.push_back(held.inode);
  std::sort(explained.begin(), explained.end());
  return explained;
}

std::vector<TableInode> without_holder(const std::vector<TableInode>& sockets, const std::vector<std::uint32_t>& explained) {
  std::vector<TableInode> left;
  auto at = explained.begin();
  for (const TableInode& socket : sockets) {
    if (socket.kind == SocketKind::kernels) continue;
    at = std::lower_bound(at, explained.end(), socket.inode);
    if (at == explained.end() || *at != socket.inode) left.push_back(socket);
  }
  return left;
}

std::vector<HeldInode> unseen_sockets(const std::vector<HeldInode>& held, const std::vector<std::uint32_t>& explained,
                                      const std::vector<TableInode>& dumped) {
  std::vector<std::uint32_t> unseen;
  auto at = dumped.begin();
  for (const std::uint32_t inode : explained) {
    at = std::lower_bound(at, dumped.end(), TableInode{inode, {}}, inode_below);
    if (at == dumped.end() || at->inode != inode) unseen.push_back(inode);
  }
  std::vector<HeldInode> left;
  if (unseen.empty()) return left;
  for (const HeldInode& socket : held)
    if (std::binary_search(unseen.begin(), unseen.end(), socket.inode)) left.push_back(socket);
  return left;
}

}  // namespace ssnap::capture
