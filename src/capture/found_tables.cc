#include "capture/found_tables.h"

#include "capture/netlink_dump.h"
#include "capture/signals_blocked.h"

namespace ssnap::capture {

std::future<FoundTables> look_for_tables(const Host& host, std::string kernel_release, bool in_thread) {
  const auto look = [&host, kernel_release = std::move(kernel_release)] {
    std::vector<DiagHandler> handlers;
    for (const auto* tables : {&socket_tables(), &route_tables()})
      for (const NetlinkTable& table : *tables) handlers.push_back(table.handler);
    FoundTables found;
    found.present = find_diag_handlers(host, handlers, kernel_release, found.looked);
    return found;
  };
  const SignalsBlocked blocked;
  return std::async(in_thread ? std::launch::async | std::launch::deferred : std::launch::deferred, look);
}

}  // namespace ssnap::capture
