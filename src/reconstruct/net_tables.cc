#include "reconstruct/net_tables.h"

#include <utility>

#include "reconstruct/passes.h"

namespace ssnap::reconstruct {

std::vector<model::InterfaceCounters> to_model(const std::vector<decode::ProcNetDevRow>& rows) {
  std::vector<model::InterfaceCounters> out;
  for (const auto& row : rows)
    out.push_back({row.name, row.rx_packets, row.rx_errors, row.rx_dropped, row.rx_fifo, row.tx_packets, row.tx_errors,
                   row.tx_dropped, row.tx_fifo});
  return out;
}

std::vector<model::Route> to_model(std::vector<decode::ProcNetRouteRow> rows) {
  std::vector<model::Route> out;
  for (auto& row : rows)
    out.push_back({row.destination, row.gateway, row.mask, row.prefix_length, row.flags, row.metric, row.ref_count, row.use,
                   row.mtu_bytes, row.window_bytes, row.irtt, std::move(row.interface)});
  return out;
}

std::vector<model::GroupMembership> to_model(std::vector<decode::ProcNetIgmpRow> rows) {
  std::vector<model::GroupMembership> out;
  for (auto& row : rows) out.push_back({std::move(row.interface), row.group, row.users});
  return out;
}

std::vector<model::CounterSection> to_model(std::vector<decode::ProcNetSnmpSection> sections) {
  std::vector<model::CounterSection> out;
  for (auto& section : sections) out.push_back({std::move(section.name), std::move(section.values)});
  return out;
}

void add_interfaces(model::NetTables& tables, const decode::RtnetlinkDump& dump) {
  for (const auto& link : dump.links)
    if (link.name) tables.interfaces.push_back({*link.name, link.flags, link.mtu_bytes, link.index, link.promiscuity});
  for (const auto& row : dump.addresses) {
    if (row.label) tables.labels.insert(*row.label);
    if (const auto& address = row.local ? row.local : row.address)
      tables.addresses.push_back({row.interface_index, *address, row.prefix_length, row.flags});
  }
}

void keep_net_tables(Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  const auto tables_of = [&](std::uint64_t inode) -> model::NetTables& { return snapshot.net_tables[namespaces.index_of(inode)]; };
  for (auto& [inode, tables] : records.net_tables) tables_of(inode) = std::move(tables);
  for (const auto& table : records.proc_net_sctp_eps) {
    auto& out = tables_of(table.origin.netns).sctp_endpoints.emplace();
    for (const auto& row : table.rows) out.push_back({row.state, 0, 0, row.uid, row.inode, row.local_port, 0, row.locals, {}});
  }
  for (const auto& table : records.proc_net_sctp_assocs) {
    auto& out = tables_of(table.origin.netns).sctp_associations.emplace();
    for (const auto& row : table.rows)
      out.push_back({row.socket_state, row.recv_queue_bytes, row.send_queue_bytes, row.uid, row.inode, row.local_port,
                     row.peer_port, row.locals, row.peers});
  }
}

}  // namespace ssnap::reconstruct
