// What the reads showed that decides what else to read: nothing of it changes what is kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ssnap::capture {

// A socket:[INODE] in an fd table. Socket inodes are 32-bit numbers (fs/inode.c, get_next_ino).
struct HeldInode {
  std::uint32_t inode = 0;
  std::int32_t pid = 0;
  std::uint32_t fd = 0;
};

// A net:[INODE] in an fd table: perhaps all that keeps a namespace alive.
struct NamespaceFd {
  std::uint64_t inode = 0;
  std::int32_t pid = 0;
  std::uint32_t fd = 0;
};

// One fd table as it was read: enough to tell whether it moved since.
struct FdTable {
  std::int32_t pid = 0;
  std::uint64_t count = 0;  // entries
  std::uint64_t hash = 0;   // of the list as it is kept
};

// A socket that no dump showed, and the name of its protocol ("TCP", "RAW", "AF_VSOCK") if the kernel tells.
struct NamedInode {
  HeldInode held;
  bool still_there = false;  // the fd still leads to this inode
  std::string protocol;      // system.sockprotoname; "" where it can't be had
};

struct Seen {
  std::vector<HeldInode> held;
  std::vector<NamespaceFd> namespace_fds;
  std::vector<FdTable> tables;
  std::vector<std::uint32_t> dumped;  // inodes in a dump of sockets
  std::vector<NamedInode> named;

  void append(Seen&& other);
  bool empty() const {
    return held.empty() && namespace_fds.empty() && tables.empty() && dumped.empty() && named.empty();
  }
};

}  // namespace ssnap::capture
