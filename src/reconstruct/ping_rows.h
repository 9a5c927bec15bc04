// Rows that /proc/net/icmp and /proc/net/icmp6 have of each other's sockets.
#pragma once

#include <cstdint>
#include <set>
#include <tuple>

#include "reconstruct/records.h"

namespace ssnap::reconstruct {

// IPv4 and IPv6 ping sockets share one hash table. Of each bucket the first row is of the file's own family; those after it are
// of either one (ping_get_next(), net/ipv4/ping.c, up to 6.18 at least), with the other family's addresses: as a rule zeros.
class PingRows {
 public:
  explicit PingRows(const Records& records);

  // True for a row of `table` whose socket is of the other family, and has a row in its table as well.
  bool is_repeated(const ProcNetInetTable& table, const decode::ProcNetInetRow& row) const {
    return !repeated_.empty() && repeated_.count({table.origin.netns, table.family, row.inode}) != 0;
  }

 private:
  std::set<std::tuple<std::uint64_t, std::uint16_t, std::uint64_t>> repeated_;  // namespace, the table's family, inode
};

}  // namespace ssnap::reconstruct
