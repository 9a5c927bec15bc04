#include "reconstruct/reconstruct.h"

#include "base/beside.h"
#include "reconstruct/cross_view.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {

std::uint32_t NamespaceIndex::index_of(std::uint64_t inode) {
  const auto [at, is_new] = known_.emplace(inode, static_cast<std::uint32_t>(snapshot_.namespaces.size()));
  if (is_new) {
    model::Namespace added;
    added.inode = inode;
    snapshot_.namespaces.push_back(std::move(added));
  }
  return at->second;
}

std::uint32_t NamespaceIndex::unknown() {
  if (unknown_) return *unknown_;
  model::Namespace added;
  added.name = "unknown";
  added.how = "sockets in fd tables that no known namespace lists";
  added.unknown = true;
  snapshot_.namespaces.push_back(std::move(added));
  unknown_ = static_cast<std::uint32_t>(snapshot_.namespaces.size() - 1);
  return *unknown_;
}

namespace {

// Sockets whose peers take longer to find than a thread to start.
constexpr std::size_t kWorthAThread = 4096;

// For how many sockets to make room: a list that grows is there twice.
std::size_t expected_sockets(const Records& records) {
  std::size_t count = 0;
  for (const InetDump& inet : records.inet_dumps)
    if (inet.origin.pass <= 1) count += inet.dump.rows.size();
  const auto add = [&count](const auto& dumps) {
    for (const auto& [origin, dump] : dumps)
      if (origin.pass <= 1) count += dump.rows.size();
  };
  add(records.unix_dumps), add(records.packet_dumps), add(records.netlink_dumps), add(records.vsock_dumps);
  add(records.xdp_dumps), add(records.tipc_dumps), add(records.smc_dumps);
  // Those that came later, and those that only /proc/net shows. Room that isn't used takes no memory.
  return count + count / 8;
}

void merge_dumps(Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  DumpMerge merge(namespaces, snapshot);
  merge_inet_dumps(records, snapshot.host, merge);
  merge_unix_dumps(records, merge);
  merge_other_dumps(records, merge);
}

}  // namespace

model::Snapshot reconstruct(Records records, const Options& options) {
  model::Snapshot snapshot;
  snapshot.members = std::move(records.members);
  snapshot.host = std::move(records.host);
  snapshot.capture = std::move(records.capture);
  snapshot.users = std::move(records.users);
  snapshot.gaps = std::move(records.gaps);
  snapshot.sources = std::move(records.sources);
  snapshot.problems = std::move(records.problems);
  snapshot.cgroups = std::move(records.cgroups);
  snapshot.services = std::move(records.services);
  snapshot.ip_protocols = std::move(records.ip_protocols);

  // The collector's namespace is the host's own view and comes first, also where nothing of it was read.
  NamespaceIndex namespaces(snapshot);
  model::Namespace& own = snapshot.namespaces[namespaces.index_of(records.own_netns.value_or(0))];
  own.own = true;
  own.how = records.own_netns ? "the collector's" : "not told by the input";

  // A copy of /proc has the table of every thread, also where it is its process's.
  drop_shared_tables(records);

  // Processes first: owners point to them, namespaces are named after them.
  build_processes(records, snapshot);
  name_cgroups(snapshot);
  name_namespaces(records, namespaces, snapshot);

  if (options.keep_net_tables) keep_net_tables(records, namespaces, snapshot);
  // What a reader of sock_diag would have met, before the views are merged.
  if (options.keep_first_dump) keep_first_dump(records, namespaces, snapshot);

  // One row a socket: netlink decides, /proc/net confirms and adds.
  snapshot.sockets.reserve(expected_sockets(records));
  merge_dumps(records, namespaces, snapshot);
  merge_proc_net_inet(records, namespaces, options, snapshot);
  merge_proc_net_unix(records, namespaces, options, snapshot);
  merge_proc_net_others(records, namespaces, snapshot);
  merge_proc_net_sctp(records, namespaces, snapshot);
  balance_account(records, snapshot);
  add_named_sockets(records, namespaces, snapshot);
  mark_presence(records, snapshot);
  sort_sockets(snapshot);
  if (options.keep_first_dump) tie_first_dump(snapshot);

  // Who is at the other end, and whose they are: neither looks at what the other finds.
  auto peers = base::beside([&] { find_peers(records, snapshot); }, snapshot.sockets.size() >= kWorthAThread);
  join_owners(records, snapshot);
  peers.get();

  // Which owner had it from which, and why it is nobody's.
  explain_kernel_sockets(records, snapshot);
  add_possible_owners(records, snapshot);
  trace_origins(snapshot);
  give_reasons(records, snapshot);

  // Does one view say what the other does?
  if (options.cross_view) {
    snapshot.cross_view = std::make_unique<model::Findings>();
    check_views(records, snapshot, *snapshot.cross_view);
  }
  return snapshot;
}

}  // namespace ssnap::reconstruct
