// Dumps of kernel tables by netlink, kept as received (docs/format.md: pcap members).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/diag_handlers.h"
#include "capture/netns.h"
#include "capture/reader_pool.h"

namespace ssnap::capture {

// Requests by family and protocol: Linux 3.3 (net/core/sock_diag.c). A kernel before that answers them with an empty dump.
constexpr std::uint16_t kSockDiagByFamily = 20;
constexpr DiagHandler kByFamily{"sock_diag_register", "sock_diag"};

// One table that can be asked for.
struct NetlinkTable {
  std::string_view name;    // of the member: netns/INODE/netlink/passN/NAME.pcap
  std::string_view source;  // in the journal
  DiagHandler handler;      // symbol "": always there (rtnetlink)
  int netlink_protocol;     // NETLINK_SOCK_DIAG, NETLINK_ROUTE
  std::uint16_t type;       // of the request
  std::string (*body)(const NetlinkTable&);
  std::uint8_t family = 0, protocol = 0;
  std::size_t inode_at = 0;  // where an answer's payload has the socket's inode (u32); 0: not at a fixed place
  bool has_secrets = false;  // TCP-MD5 keys
  // What system.sockprotoname calls its sockets, words separated by blanks.
  std::string_view socket_names = "";
  bool only_before_by_family = false;  // others are asked for instead where there are requests by family
};

// The socket tables, in the order in which they are dumped: the most volatile first.
const std::vector<NetlinkTable>& socket_tables();
// Links, addresses, routes, rules, neighbours, ids of namespaces, tracked connections: what sockets are read with later.
const std::vector<NetlinkTable>& route_tables();

// Where a dump is kept, below netns/INODE/, and what the journal calls it.
struct DumpFolder {
  std::string name;
  std::optional<int> pass;
};
DumpFolder folder_of_pass(int pass);  // netlink/passN

// Dumps of `tables` in one namespace, one after the other through one socket. `keep_secrets`: leave TCP-MD5 keys in.
std::shared_ptr<Task> netlink_dump_task(std::shared_ptr<const NetnsAccess> netns, std::vector<const NetlinkTable*> tables,
                                        DumpFolder folder, bool keep_secrets);

}  // namespace ssnap::capture
