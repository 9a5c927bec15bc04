// records -> model: merges the views into one row a socket, joins owners, tells where they came from and why there are
// none, and who is at the other end.
#pragma once

#include <optional>

#include "reconstruct/records.h"

namespace ssnap::reconstruct {

struct Options {
  bool keep_proc_net_rows = false;  // for views that imitate a reader of /proc/net
  bool keep_first_dump = false;     // for views that imitate a reader of sock_diag
  bool keep_info = false;           // tcp_info and its like: some 60 numbers a socket
  bool keep_net_tables = false;     // routes, interfaces, multicast groups and counters
  bool cross_view = false;          // checks of one view against another, and of the raw bytes
  std::optional<base::ByteOrder> byte_order{};  // of a host of which the input doesn't say it
};

model::Snapshot reconstruct(Records records, const Options& options);

}  // namespace ssnap::reconstruct
