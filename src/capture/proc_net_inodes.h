// The inodes of sockets in the tables of /proc/net: for those that no dump gives.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "capture/seen.h"

namespace ssnap::capture {

// A table's file ("raw6"), and the socket table (NetlinkTable::name) that is the better view of the same sockets.
struct InodeTable {
  std::string_view file;
  std::string_view dump;  // "": there is none
  SocketKind kind{};
  int column = 0;         // where the inode is, from 0
  int kernels_zero = -1;  // the column that is 0 where a socket is the kernel's own
};
const std::vector<InodeTable>& inode_tables();

// Finds them in a file that is read in pieces. Names may forge rows of /proc/net/unix: good enough for what to look at.
class InodeColumn {
 public:
  explicit InodeColumn(const InodeTable& table) : table_(table) {}
  void look(std::string_view piece);
  std::vector<TableInode> take() { return std::move(found_); }

 private:
  void look_at_line(std::string_view line);
  const InodeTable& table_;
  std::string rest_;  // a line's beginning
  std::vector<TableInode> found_;
};

}  // namespace ssnap::capture
