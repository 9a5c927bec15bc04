// What the dumps of the sockets and /proc/net disagree about, and what is left of it after another look (docs/adr/0022).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "capture/netlink_dump.h"
#include "capture/seen.h"

namespace ssnap::capture {

class Differences {
 public:
  using Table = std::pair<std::uint16_t, std::uint8_t>;  // NetnsAccess::ordinal; TableInode::table

  Differences() = default;
  // Of two passes of dumps, sorted, and what /proc/net showed after them. The collector's own sockets come and go with its
  // dumps. Tables with more rows than `max_rows` are left out.
  Differences(const Seen& first, const Seen& second, Seen& listed, std::vector<std::uint32_t> own, std::uint64_t max_rows);

  // What is left once /proc/net, and then the dumps, were read again.
  void look_again(Seen listed, Seen dumped);

  bool empty() const { return only_dumped_.empty() && only_listed_.empty() && miscounted_.empty(); }
  std::size_t size() const { return only_dumped_.size() + only_listed_.size() + miscounted_.size(); }
  std::size_t too_large() const { return too_large_; }  // tables left out
  std::vector<Table> tables() const;                    // that they are of, ascending

 private:
  std::vector<TableInode> only_dumped_, only_listed_;
  std::vector<Table> miscounted_;  // the kernel's counter says another number
  std::size_t too_large_ = 0;
};

// One more look at the tables that differ: /proc/net first, then the dumps, as members of `folder` ("confirm/round1").
struct LookAgain {
  std::vector<std::shared_ptr<Task>> listings, dumps;
};
LookAgain look_again_tasks(const Differences& left, const std::vector<std::shared_ptr<const NetnsAccess>>& namespaces,
                           const std::vector<const NetlinkTable*>& dumped, const std::string& folder, bool keep_secrets);

}  // namespace ssnap::capture
