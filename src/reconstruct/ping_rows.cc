#include "reconstruct/ping_rows.h"

#include <map>
#include <optional>

#include "model/names.h"

namespace ssnap::reconstruct {
namespace {

struct Row {
  bool is_first = false;     // of its bucket
  bool has_address = false;  // an end that is not zero
};

// A socket that both tables have is of the one where its row begins a bucket. Where that says nothing, IPv6's where IPv6's table
// has an address of it; one without any can't be told apart, and stays IPv4's.
bool is_ip6(const Row& ip4, const Row& ip6) {
  if (ip4.is_first != ip6.is_first) return ip6.is_first;
  return ip6.has_address;
}

}  // namespace

PingRows::PingRows(const Records& records) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::pair<std::optional<Row>, std::optional<Row>>> sockets;
  for (const ProcNetInetTable& table : records.proc_net_inet) {
    if (table.protocol != model::kProtocolIcmp && table.protocol != model::kProtocolIcmp6) continue;
    std::optional<std::uint32_t> bucket;
    for (const auto& row : table.rows) {
      const bool is_first = bucket != row.slot;
      bucket = row.slot;
      if (row.inode == 0) continue;
      auto& [ip4, ip6] = sockets[{table.origin.netns, row.inode}];
      auto& here = table.family == model::kFamilyInet ? ip4 : ip6;
      if (!here) here = Row{is_first, !row.local.is_any() || !row.peer.is_any()};
    }
  }
  for (const auto& [key, rows] : sockets) {
    if (!rows.first || !rows.second) continue;
    repeated_.emplace(key.first, is_ip6(*rows.first, *rows.second) ? model::kFamilyInet : model::kFamilyInet6, key.second);
  }
}

}  // namespace ssnap::reconstruct
