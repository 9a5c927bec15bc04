#include "capture/found_tables.h"

#include "base/beside.h"
#include "capture/clock.h"
#include "capture/signals_blocked.h"

namespace ssnap::capture {

std::future<FoundTables> look_for_tables(const Host& host, std::string kernel_release, bool in_thread) {
  const auto look = [&host, kernel_release = std::move(kernel_release)] {
    std::vector<DiagHandler> handlers;
    for (const auto* tables : {&socket_tables(), &route_tables()})
      for (const NetlinkTable& table : *tables) handlers.push_back(table.handler);
    handlers.push_back(kByFamily);
    FoundTables found;
    found.present = find_diag_handlers(host, handlers, kernel_release, found.looked);
    return found;
  };
  const SignalsBlocked blocked;
  return base::beside(look, in_thread);
}

ChosenTables choose_tables(const FoundTables& found, bool allow_module_load) {
  ChosenTables chosen;
  const std::size_t sockets = socket_tables().size();
  const bool by_family = found.present.back() != Presence::absent;
  for (std::size_t i = 0; i + 1 < found.present.size(); ++i) {
    const NetlinkTable& table = i < sockets ? socket_tables()[i] : route_tables()[i - sockets];
    if (by_family && table.only_before_by_family) continue;
    const bool always_there = table.handler.symbol.empty();
    const bool unsupported = !by_family && i < sockets && table.type == kSockDiagByFamily;
    if (always_there || found.present[i] == Presence::present || (allow_module_load && i < sockets && !unsupported)) {
      (i < sockets ? chosen.sockets : chosen.routes).push_back(&table);
      continue;
    }
    archive::JournalEntry entry;
    entry.source = table.source;
    entry.begin_nsec = entry.end_nsec = boottime_nsec();
    entry.outcome = unsupported ? base::OutcomeKind::unsupported : base::OutcomeKind::not_loaded;
    entry.detail = std::string(table.name);
    if (unsupported) entry.detail += ": this kernel has no dumps by family (Linux 3.3)";
    else entry.detail += ": asking would make the kernel look for the module " + std::string(table.handler.module) +
                         (i < sockets ? " (--allow-module-load asks anyway)" : "; nothing is tracked without it");
    chosen.left_out.push_back(std::move(entry));
  }
  return chosen;
}

}  // namespace ssnap::capture
