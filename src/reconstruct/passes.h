// The passes of reconstruct(), each in a file of its own, in the order in which they run.
#pragma once

#include "reconstruct/reconstruct.h"

namespace ssnap::reconstruct {

// Namespaces, by inode; the collector's first. Every later pass asks it for the index.
class NamespaceIndex {
 public:
  explicit NamespaceIndex(model::Snapshot& snapshot) : snapshot_(snapshot) {}
  std::uint32_t index_of(std::uint64_t inode);
  // Of the entry for sockets that are in none of them (model::Namespace::unknown); made when it is first asked for.
  std::uint32_t unknown();

 private:
  model::Snapshot& snapshot_;
  std::map<std::uint64_t, std::uint32_t> known_;
  std::optional<std::uint32_t> unknown_;
};

// processes.cc: one Process for each of Records::processes, in their order.
void build_processes(const Records& records, model::Snapshot& snapshot);

// cgroup_names.cc: the container, pod and unit of each process, by the path of its cgroup.
void name_cgroups(model::Snapshot& snapshot);

// namespaces.cc: every namespace that was found, how, and what it is called.
void name_namespaces(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot);

// net_tables.cc: the tables of /proc/net as they are.
void keep_net_tables(Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot);
// first_dump.cc: the rows of each table's first dump, in its order; and, once the sockets are merged and sorted, which of
// them each row is.
void keep_first_dump(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot);
void tie_first_dump(model::Snapshot& snapshot);

// merge_*.cc: the netlink dumps, each socket once (netns, family, protocol, cookie).
class DumpMerge;
void merge_inet_dumps(Records& records, const model::Host& host, DumpMerge& merge);
void merge_unix_dumps(Records& records, DumpMerge& merge);
void merge_other_dumps(Records& records, DumpMerge& merge);
// merge_*.cc: /proc/net as the second view: joined by inode and addresses, what netlink didn't show is added.
void merge_proc_net_inet(Records& records, NamespaceIndex& namespaces, const Options& options,
                         model::Snapshot& snapshot);
void merge_proc_net_unix(const Records& records, NamespaceIndex& namespaces, const Options& options,
                         model::Snapshot& snapshot);
void merge_proc_net_sctp(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot);
void merge_proc_net_others(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot);
// named_sockets.cc: sockets that no table showed, known by an fd alone.
void add_named_sockets(const Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot);
// sockets.cc: which sockets came or went between the dumps.
void mark_presence(const Records& records, model::Snapshot& snapshot);
// sockets.cc: the order of Snapshot::sockets.
void sort_sockets(model::Snapshot& snapshot);

// owners.cc: holders by inode, through fd tables of processes and threads, rings and mappings; the listener's owners for
// connections that wait to be accepted.
void join_owners(const Records& records, model::Snapshot& snapshot);
// kernel_sockets.cc: which of those without owner are the kernel's, and what for.
void explain_kernel_sockets(const Records& records, model::Snapshot& snapshot);
// possible_owners.cc: for those that are left, messages in flight, and rings that don't tell inodes.
void add_possible_owners(const Records& records, model::Snapshot& snapshot);
// origins.cc: which holder made it, inherited it or was passed it. After find_peers: a UNIX socket is a way to pass one.
void trace_origins(model::Snapshot& snapshot);
// reasons.cc: a reason for every socket without a certain owner.
void give_reasons(const Records& records, model::Snapshot& snapshot);

// account.cc: each table's views against each other, the kernel's counters, and the sockets in fd tables.
void balance_account(const Records& records, model::Snapshot& snapshot);

// peers.cc: the other end and other ties, where they are in this snapshot.
void find_peers(const Records& records, model::Snapshot& snapshot);

}  // namespace ssnap::reconstruct
