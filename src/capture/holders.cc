#include "capture/holders.h"

#include <algorithm>

namespace ssnap::capture {
namespace {

bool inode_below(const TableInode& a, const TableInode& b) { return a.inode < b.inode; }

}  // namespace

void sort_inodes(std::vector<TableInode>& inodes) {
  std::sort(inodes.begin(), inodes.end(), [](const TableInode& a, const TableInode& b) {
    return a.inode != b.inode ? a.inode < b.inode : a.kind > b.kind;
  });
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

std::vector<TableInode> without_holder(const std::vector<TableInode>& sockets, const Seen& walks) {
  std::vector<std::uint32_t> explained = walks.registered;
  explained.reserve(explained.size() + walks.held.size() + walks.own.size());
  explained.insert(explained.end(), walks.own.begin(), walks.own.end());
  for (const HeldInode& held : walks.held) explained.push_back(held.inode);
  std::sort(explained.begin(), explained.end());
  std::vector<TableInode> left;
  for (const TableInode& socket : sockets)
    if (socket.kind != SocketKind::kernels && !std::binary_search(explained.begin(), explained.end(), socket.inode))
      left.push_back(socket);
  return left;
}

}  // namespace ssnap::capture
