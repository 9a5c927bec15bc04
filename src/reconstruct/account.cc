// The account: what each view of a table showed, against the other view, the kernel's own counters, and the sockets in fd
// tables. Differences have a reason or are said to have none.
#include <algorithm>
#include <array>

#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;
using model::View;

constexpr std::uint16_t kAnyProtocol = 0xffff;

struct TableRule {
  std::string_view name;
  std::uint16_t family, protocol;
  View dump;
  std::optional<View> listed;
  // Counters of sockstat ("TCP.inuse") or protocols ("UNIX"), added up.
  std::array<std::string_view, 2> counters;
};

constexpr std::uint16_t kIn = model::kFamilyInet, kIn6 = model::kFamilyInet6;
constexpr TableRule kTables[] = {
    {"tcp", kIn, model::kProtocolTcp, View::inet_diag, View::proc_net_tcp, {"TCP.inuse"}},
    {"tcp6", kIn6, model::kProtocolTcp, View::inet_diag, View::proc_net_tcp6, {"TCP6.inuse"}},
    {"udp", kIn, model::kProtocolUdp, View::inet_diag, View::proc_net_udp, {"UDP.inuse"}},
    {"udp6", kIn6, model::kProtocolUdp, View::inet_diag, View::proc_net_udp6, {"UDP6.inuse"}},
    {"udplite", kIn, model::kProtocolUdplite, View::inet_diag, View::proc_net_udplite, {"UDPLITE.inuse"}},
    {"udplite6", kIn6, model::kProtocolUdplite, View::inet_diag, View::proc_net_udplite6, {"UDPLITE6.inuse"}},
    {"raw", kIn, model::kProtocolRaw, View::inet_diag, View::proc_net_raw, {"RAW.inuse"}},
    {"raw6", kIn6, model::kProtocolRaw, View::inet_diag, View::proc_net_raw6, {"RAW6.inuse"}},
    {"icmp", kIn, model::kProtocolIcmp, View::inet_diag, View::proc_net_icmp, {"PING"}},
    {"icmp6", kIn6, model::kProtocolIcmp6, View::inet_diag, View::proc_net_icmp6, {"PINGv6"}},
    {"mptcp", kIn, model::kProtocolMptcp, View::inet_diag, std::nullopt, {}},
    {"mptcp6", kIn6, model::kProtocolMptcp, View::inet_diag, std::nullopt, {}},
    {"sctp", kIn, model::kProtocolSctp, View::inet_diag, View::proc_net_sctp, {}},
    {"sctp6", kIn6, model::kProtocolSctp, View::inet_diag, View::proc_net_sctp, {}},
    {"dccp", kIn, model::kProtocolDccp, View::inet_diag, std::nullopt, {}},
    {"dccp6", kIn6, model::kProtocolDccp, View::inet_diag, std::nullopt, {}},
    {"unix", model::kFamilyUnix, kAnyProtocol, View::unix_diag, View::proc_net_unix, {"UNIX", "UNIX-STREAM"}},
    {"packet", model::kFamilyPacket, kAnyProtocol, View::packet_diag, View::proc_net_packet, {"PACKET"}},
    {"netlink", model::kFamilyNetlink, kAnyProtocol, View::netlink_diag, View::proc_net_netlink, {}},
    {"vsock", model::kFamilyVsock, kAnyProtocol, View::vsock_diag, std::nullopt, {}},
    {"xdp", model::kFamilyXdp, kAnyProtocol, View::xdp_diag, std::nullopt, {}},
    {"tipc", model::kFamilyTipc, kAnyProtocol, View::tipc_diag, std::nullopt, {}},
    {"smc", model::kFamilySmc, kAnyProtocol, View::smc_diag, std::nullopt, {}},
};

constexpr std::uint8_t kTimerTimeWait = 3;  // idiag_timer (inet_twsk_diag_fill), and of /proc/net/tcp (get_timewait4_sock)

// Sockets that the kernel's counters count: hashed ones with a process behind them, or that had one.
// inet_hash() counts, inet_bind() doesn't; TIME-WAIT and requests are no struct sock of the protocol. An orphan in
// FIN-WAIT-2 is one in TIME-WAIT as a rule (tcp_time_wait()), which only its timer tells; in SYN-RECV is also a socket that
// opened while its peer did.
bool is_counted(const Socket& socket) {
  if (socket.timer && socket.timer->number == kTimerTimeWait) return false;
  switch (socket.state) {
    case model::kStateSynRecv: return socket.inode.has_value();
    case model::kStateTimeWait:
    case model::kStateNewSynRecv:
    case model::kStateBoundInactive: return false;
    default: return true;
  }
}

void explain(model::AccountLine& line, std::uint64_t count, const char* why) {
  if (count > 0) line.explained.push_back(std::to_string(count) + " " + why);
}

bool has_sighting(const Socket& socket, const std::optional<View>& view) {
  return std::any_of(socket.sightings.begin(), socket.sightings.end(), [&](const auto& sighting) { return sighting.view == view; });
}

class Balance {
 public:
  Balance(const Records& records, const model::Snapshot& snapshot) : records_(records), snapshot_(snapshot) {}

  model::AccountLine line(const TableRule& rule, std::uint32_t netns, const std::vector<const Socket*>& sockets,
                          bool was_dumped, bool was_listed) const {
    model::AccountLine line;
    line.netns = netns;
    line.table = rule.name;
    std::uint64_t dumped = 0, listed = 0, countable = 0;
    std::uint64_t bound = 0, not_accepted = 0, only_dumped = 0, only_listed = 0, expired = 0, own = 0, repeated = 0;
    bool is_moving = false;
    for (const Socket* socket : sockets) {
      bool in_dump = false, in_list = false;
      std::uint32_t passes = 0;
      for (const auto& sighting : socket->sightings) {
        if (sighting.view == rule.dump) in_dump = true, passes |= 1u << std::min<unsigned>(sighting.pass, 31);
        if (rule.listed && sighting.view == *rule.listed) in_list = true;
      }
      listed += in_list;
      if (socket->family != rule.family) {
        ++repeated;
        continue;
      }
      dumped += in_dump;
      line.both += in_dump && in_list;
      if (is_collectors(records_, snapshot_.namespaces[netns].inode, *socket)) {
        own += in_dump != in_list;
        continue;
      }
      is_moving |= in_dump && (passes & 6u) != 6u;
      if (was_listed ? in_list : in_dump) countable += is_counted(*socket);
      if (!was_dumped || !was_listed || in_dump == in_list) continue;
      if (socket->state == model::kStateBoundInactive) ++bound;
      else if (in_dump && !is_counted(*socket)) ++expired;
      else if (in_list && socket->family == model::kFamilyUnix && !socket->inode) ++not_accepted;
      else ++(in_dump ? only_dumped : only_listed);
    }
    if (was_dumped) line.dumped = dumped;
    if (was_listed) line.listed = listed;
    explain(line, own, "the collector's own, which asked for the tables");
    explain(line, repeated, "the other family's: the kernel lists what shares a bucket");
    explain(line, bound, "bound but not connected: /proc/net has no row for them");
    explain(line, not_accepted, "not accepted yet: unix_diag leaves them out");
    explain(line, expired, "handshakes or TIME-WAIT that ended before /proc/net was read");
    if (is_moving) {
      explain(line, only_dumped, "gone before /proc/net was read: the table was moving");
      explain(line, only_listed, "came after the dumps: the table was moving");
    } else {
      line.unexplained += only_dumped + only_listed;
    }
    count(rule, netns, countable, is_moving, line);
    return line;
  }

 private:
  void count(const TableRule& rule, std::uint32_t netns, std::uint64_t countable, bool is_moving,
             model::AccountLine& line) const {
    const auto facts = records_.netns_facts.find(snapshot_.namespaces[netns].inode);
    if (facts == records_.netns_facts.end()) return;
    for (const std::string_view name : rule.counters) {
      const auto at = facts->second.counters.find(std::string(name));
      if (!name.empty() && at != facts->second.counters.end()) line.counter = line.counter.value_or(0) + at->second;
    }
    if (!line.counter) return;
    line.countable = countable;
    const std::int64_t difference = *line.counter - static_cast<std::int64_t>(countable);
    if (difference == 0) return;
    const auto size = static_cast<std::uint64_t>(difference < 0 ? -difference : difference);
    if (is_moving) explain(line, size, "by which the kernel's counter differs: the table was moving");
    else line.unexplained += size;
  }

  const Records& records_;
  const model::Snapshot& snapshot_;
};

// Why a socket that is held and has this name is in no table.
std::string reason_of_name(const Records& records, const NamedSocket& named, const NamedProtocol& protocol) {
  if (!has_table(records, netns_of_holder(records, named), protocol))
    return named.protocol + ": the kernel offered no table of such sockets";
  if (protocol.always_listed) return named.protocol + ", in a namespace that only they pin";
  return named.protocol + ", neither bound nor connected (or in a namespace that only they pin)";
}

model::HeldAccount balance_held(const Records& records, const model::Snapshot& snapshot) {
  std::vector<std::uint64_t> in_tables;
  for (const Socket& socket : snapshot.sockets)
    if (socket.inode) in_tables.push_back(*socket.inode);
  std::sort(in_tables.begin(), in_tables.end());
  std::map<std::uint64_t, const NamedSocket*> named;
  for (const NamedSocket& item : records.named_sockets) {
    const auto [at, is_new] = named.emplace(item.inode, &item);
    if (!is_new && item.still_held) at->second = &item;
  }
  // A cut or interrupted archive may lack the tables, and did not come to asking for names.
  const bool ended_early = snapshot.capture.status != "complete" && snapshot.capture.status != "directory";
  model::HeldAccount account;
  std::vector<std::uint64_t> inodes;
  for (const auto& [id, process] : records.processes)
    for (const HeldSocket& held : process.sockets) inodes.push_back(held.inode);
  std::sort(inodes.begin(), inodes.end());
  inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
  account.inodes = inodes.size();
  std::map<std::string, std::uint64_t> reasons;
  auto table = in_tables.begin();
  for (const std::uint64_t inode : inodes) {
    while (table != in_tables.end() && *table < inode) ++table;
    if (table != in_tables.end() && *table == inode) {
      ++account.in_tables;
      continue;
    }
    const auto at = named.find(inode);
    const NamedProtocol* protocol = at == named.end() ? nullptr : find_protocol(at->second->protocol);
    if (at == named.end() && ended_early) {
      ++reasons["not looked for: the capture ended before"];
    } else if (at == named.end() || (at->second->still_held && at->second->protocol.empty())) {
      ++account.unexplained;
    } else if (!at->second->still_held) {
      ++reasons["closed before the tables were asked for them"];
    } else if (protocol != nullptr) {
      ++reasons[reason_of_name(records, *at->second, *protocol)];
    } else {
      ++reasons[at->second->protocol + ": a protocol without a table that is known"];
    }
  }
  for (const auto& [reason, count] : reasons) account.explained.push_back(std::to_string(count) + " " + reason);
  return account;
}

}  // namespace

void balance_account(const Records& records, model::Snapshot& snapshot) {
  // The sockets of each table, and which tables each namespace has at all: an empty one has a view too.
  std::map<std::pair<std::uint32_t, std::size_t>, std::vector<const Socket*>> sockets;
  std::vector<const Socket*>* list = nullptr;
  const Socket* last = nullptr;
  for (const Socket& socket : snapshot.sockets) {
    // Sockets of one table come in runs.
    if (last == nullptr || last->netns != socket.netns || last->family != socket.family || last->protocol != socket.protocol) {
      const auto rule = std::find_if(std::begin(kTables), std::end(kTables), [&](const TableRule& one) {
        return one.family == socket.family && (one.protocol == kAnyProtocol || one.protocol == socket.protocol);
      });
      list = rule == std::end(kTables) ? nullptr : &sockets[{socket.netns, static_cast<std::size_t>(rule - kTables)}];
    }
    if (list != nullptr) list->push_back(&socket);
    if (socket.protocol == model::kProtocolIcmp || socket.protocol == model::kProtocolIcmp6) {
      for (std::size_t i = 0; i < std::size(kTables); ++i)
        if (kTables[i].family != socket.family && has_sighting(socket, kTables[i].listed)) sockets[{socket.netns, i}].push_back(&socket);
    }
    last = &socket;
  }
  const Balance balance(records, snapshot);
  for (std::uint32_t netns = 0; netns < snapshot.namespaces.size(); ++netns) {
    const auto views = records.views.find(snapshot.namespaces[netns].inode);
    if (views == records.views.end()) continue;
    for (std::size_t i = 0; i < std::size(kTables); ++i) {
      const TableRule& rule = kTables[i];
      const std::uint16_t protocol = rule.protocol == kAnyProtocol ? std::uint16_t{0} : rule.protocol;
      const bool was_dumped = views->second.count({rule.dump, rule.family, protocol}) != 0;
      // SCTP: sctp/eps is of both families, and not held against a dump: it has no row for what a dump has of associations.
      const bool was_listed = rule.listed == View::proc_net_sctp ? !was_dumped && views->second.count({View::proc_net_sctp, kIn, 0}) != 0
                              : rule.listed && views->second.count({*rule.listed, rule.family, protocol}) != 0;
      if (was_dumped || was_listed)
        snapshot.account.push_back(balance.line(rule, netns, sockets[{netns, i}], was_dumped, was_listed));
    }
  }
  snapshot.held = balance_held(records, snapshot);
}

}  // namespace ssnap::reconstruct
