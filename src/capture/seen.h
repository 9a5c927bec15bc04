// What the reads showed that decides what else to read: nothing of it changes what is kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ssnap::capture {

// A process whose stat was read, or could not be for another reason than its end.
struct SeenProcess {
  std::int32_t pid = 0;
  std::int32_t living_thread = 0;  // where the leader has exited: the thread that was read in its place
  std::uint64_t start_ticks = 0;   // 0: not known
  bool kernel_thread = false;
  bool reused = false;             // the second one that had this pid
};

// A socket:[INODE] in an fd table. Socket inodes are 32-bit numbers (fs/inode.c, get_next_ino).
struct HeldInode {
  std::uint32_t inode = 0;
  std::int32_t pid = 0;
  std::uint32_t fd = 0;
  std::int32_t tid = 0;  // of the thread whose own table it is in; 0: the process's
};

// A net:[INODE] in an fd table: perhaps all that keeps a namespace alive.
struct NamespaceFd {
  std::uint64_t inode = 0;
  std::int32_t pid = 0;
  std::uint32_t fd = 0;
  std::int32_t tid = 0;  // as in HeldInode
};

// One fd table as it was read: enough to tell whether it moved since.
struct FdTable {
  std::int32_t pid = 0;
  std::int32_t tid = 0;     // as in HeldInode
  std::uint64_t count = 0;  // entries
  std::uint64_t hash = 0;   // of the list as it is kept
  std::vector<std::uint32_t> rings;  // fds that are io_urings, whose fdinfo was read
  bool reused = false;
  bool has_sockets = false;          // some of its entries are
};

// What the kind of a socket means for the look for its holder.
enum class SocketKind : std::uint8_t {
  other,
  local,     // UNIX: descriptors may wait in its queue
  mappable,  // TCP, packet, XDP: a mapping keeps it when its fd is closed
  kernels,   // a netlink socket of the kernel's own
};

// A socket in a table.
struct TableInode {
  std::uint32_t inode = 0;
  SocketKind kind{};
  std::uint8_t table = 0;   // the place in decode::inode_tables(), from 1; 0: /proc/net has no such table
  std::uint16_t netns = 0;  // NetnsAccess::ordinal
};

// What was read of a table to its end.
struct TableRead {
  enum class Kind : std::uint8_t {
    listing,  // its file of /proc/net: `count` rows that the kernel counts
    counter,  // the kernel's `count`
    dump,
  };
  std::uint16_t netns = 0;
  std::uint8_t table = 0;  // as in TableInode
  Kind kind{};
  std::uint64_t count = 0;
};

// A socket that no dump showed, and the name of its protocol ("TCP", "RAW", "AF_VSOCK") if the kernel tells.
struct NamedInode {
  HeldInode held;
  bool still_there = false;  // the fd still leads to this inode
  std::string protocol;      // system.sockprotoname; "" where it can't be had
};

struct Seen {
  std::vector<SeenProcess> processes;
  std::vector<HeldInode> held;
  std::vector<std::uint32_t> explained;   // inodes in fd tables that are not in `held` any more
  std::vector<std::uint32_t> registered;  // inodes in the tables of io_urings
  std::vector<NamespaceFd> namespace_fds;
  std::vector<FdTable> tables;
  std::vector<TableInode> dumped;      // in a dump of sockets
  std::vector<TableInode> listed;      // in a table of /proc/net that has no dump
  std::vector<TableInode> twins;       // in one that has a dump
  std::vector<TableRead> reads;
  std::vector<std::uint32_t> own;      // the collector's netlink sockets
  std::vector<NamedInode> named;

  void append(Seen&& other);
  bool empty() const {
    return processes.empty() && held.empty() && explained.empty() && registered.empty() && namespace_fds.empty() && tables.empty() &&
           dumped.empty() && listed.empty() && twins.empty() && reads.empty() && own.empty() && named.empty();
  }
};

// The process that has a pid now, as far as the walks know, and its fd tables as they were read last, by tid.
struct KnownProcess {
  SeenProcess process;
  std::map<std::int32_t, FdTable> tables;
};
std::map<std::int32_t, KnownProcess> known_processes(const Seen& walks);

}  // namespace ssnap::capture
