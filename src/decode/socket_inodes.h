// The inodes of sockets in the tables that both /proc/net and sock_diag have: all that is needed to compare the two, or to
// know what to look at again. Rows of /proc/net/unix can be forged by names; good enough for either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"

namespace ssnap::decode {

struct InodeTable {
  std::string_view file;       // of /proc/net: "raw6"
  std::string_view dump;       // member of the same sockets, without .pcap: "inet_diag-raw6"; "": there is none
  std::uint8_t family = 0;     // of the dump's records that this file has (AF_*)
  std::size_t dump_at = 0;     // where a record's payload has the inode (u32)
  int column = 0;              // of the file, from 0, where the inode is
  int kernels_zero = -1;       // the column that is 0 where a socket is the kernel's own
  bool is_tcp = false;         // with states of which /proc/net, or the counter, leaves some out
  std::string_view counter_file;  // of /proc/net, with the kernel's own count: "sockstat"; "": there is none
  std::string_view counter;       // the line's first word there, "TCP:", before "inuse N"
};
const std::vector<InodeTable>& inode_tables();
// By its file's name; null where there is no such table.
const InodeTable* find_inode_table(std::string_view file);

// Reads a file that comes in pieces.
class InodeColumn {
 public:
  struct Row {
    std::uint32_t inode = 0;
    bool kernels = false;
  };

  explicit InodeColumn(const InodeTable& table) : table_(table) {}
  void look(std::string_view piece);
  // In the order of the file, without sockets that have no inode (TIME-WAIT, not accepted yet).
  std::vector<Row> take() { return std::move(found_); }
  // Rows that the kernel's counter counts: no request, nothing in TIME-WAIT (net/ipv4/tcp_ipv4.c, tcp4_seq_show).
  std::uint64_t counted_rows() const { return counted_; }

 private:
  void look_at_line(std::string_view line);
  const InodeTable& table_;
  std::string rest_;  // a line's beginning
  std::vector<Row> found_;
  std::uint64_t counted_ = 0;
};

// The inode of a record of a sock_diag dump, if /proc/net/`table.file` should have it: not 0, of its family, and no socket
// that is bound only (TCP in state 7). `payload` follows the netlink header.
std::optional<std::uint32_t> inode_of_record(std::string_view payload, const InodeTable& table, base::ByteOrder order);
// Those of a dump, a pcap member, ascending. Absent: the kernel did not end it, or with an error.
std::optional<std::vector<std::uint32_t>> inodes_of_dump(std::string_view pcap, const InodeTable& table);

// The count in a file of counters: "TCP: inuse 7 orphan 0 ..." (sockstat_seq_show, net/ipv4/proc.c).
std::optional<std::uint64_t> find_counter(std::string_view file, std::string_view counter);

}  // namespace ssnap::decode
