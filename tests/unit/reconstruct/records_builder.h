// Records as the decoders would have made them, for the tests of the reconstruction.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "reconstruct/reconstruct.h"

namespace ssnap::reconstruct::test {

using reconstruct::Records;

inline base::IpAddress ip4(unsigned char a, unsigned char b, unsigned char c, unsigned char d) {
  base::IpAddress address;
  address.bytes = {a, b, c, d};
  address.length = 4;
  return address;
}

inline base::IpAddress ip6_any() {
  base::IpAddress address;
  address.length = 16;
  return address;
}

inline base::IpAddress mapped(unsigned char a, unsigned char b, unsigned char c, unsigned char d) {
  base::IpAddress address = ip6_any();
  address.bytes[10] = address.bytes[11] = 0xff;
  address.bytes[12] = a, address.bytes[13] = b, address.bytes[14] = c, address.bytes[15] = d;
  return address;
}

constexpr std::uint64_t kNetns = 4026531840;

inline decode::InetDiagRecord tcp(std::uint8_t state, std::uint16_t port, std::uint32_t inode, std::uint64_t cookie,
                           std::uint16_t peer_port = 0) {
  decode::InetDiagRecord record;
  record.family = 2;
  record.state = state;
  record.local = ip4(127, 0, 0, 1);
  record.peer = peer_port ? ip4(127, 0, 0, 1) : ip4(0, 0, 0, 0);
  record.local_port = port;
  record.peer_port = peer_port;
  record.inode = inode;
  record.cookie = cookie;
  return record;
}

inline decode::ProcNetInetRow row_of(const decode::InetDiagRecord& record) {
  decode::ProcNetInetRow row;
  row.local = record.local;
  row.peer = record.peer;
  row.local_port = record.local_port;
  row.peer_port = record.peer_port;
  row.state = record.state;
  row.inode = record.inode;
  return row;
}

inline Records make_records() {
  Records records;
  records.own_netns = kNetns;
  records.capture.status = "complete";
  records.members = {"netns/4026531840/netlink/pass1/inet_diag-tcp.pcap", "netns/4026531840/proc/net/tcp",
                     "netns/4026531840/netlink/pass1/unix_diag.pcap", "netns/4026531840/proc/net/unix"};
  records.boot_realtime_nsec = 1'000'000'000'000'000'000;
  return records;
}

inline void add_dump(Records& records, std::vector<decode::InetDiagRecord> rows, int pass = 1, std::uint64_t netns = kNetns) {
  decode::InetDiagDump dump;
  dump.request_protocol = 6;
  dump.rows = std::move(rows);
  records.inet_dumps.push_back({reconstruct::Origin{0, netns, pass}, std::move(dump), {}});
  for (const std::uint16_t family : {std::uint16_t{2}, std::uint16_t{10}}) records.views[netns].insert({model::View::inet_diag, family, 6});
}

template <class... Rows>
std::vector<decode::InetDiagRecord> list(Rows... rows) {
  std::vector<decode::InetDiagRecord> all;
  (all.push_back(std::move(rows)), ...);
  return all;
}

inline void add_proc_tcp(Records& records, std::vector<decode::ProcNetInetRow> rows) {
  records.proc_net_inet.push_back({{1, kNetns, 1}, model::View::proc_net_tcp, 2, 6, std::move(rows)});
  records.views[kNetns].insert({model::View::proc_net_tcp, 2, 6});
}

inline void add_process(Records& records, std::int64_t pid, std::int64_t ppid, std::uint64_t start_ticks,
                 std::vector<reconstruct::HeldSocket> sockets) {
  auto& process = records.processes[pid];
  process.stat.emplace();
  process.stat->pid = pid;
  process.stat->ppid = ppid;
  process.stat->comm = "p" + std::to_string(pid);
  process.stat->start_ticks = start_ticks;
  process.fds_seen = true;
  process.sockets = std::move(sockets);
}

inline decode::InetDiagRecord udp(std::uint8_t family, std::uint16_t port, std::uint32_t inode, std::uint16_t peer_port = 0) {
  auto record = tcp(model::kStateUnconn, port, inode, inode, peer_port);
  record.family = family;
  if (!peer_port) record.local = record.peer = family == model::kFamilyInet ? ip4(0, 0, 0, 0) : ip6_any();
  return record;
}

inline void add_udp_dump(Records& records, std::vector<decode::InetDiagRecord> rows, std::uint64_t netns = kNetns) {
  add_dump(records, std::move(rows), 1, netns);
  records.inet_dumps.back().dump.request_protocol = model::kProtocolUdp;
}

inline decode::UnixDiagRecord unix_socket(std::uint8_t state, std::uint32_t inode, std::uint64_t cookie) {
  decode::UnixDiagRecord record;
  record.type = model::kSocketStream;
  record.state = state;
  record.inode = inode;
  record.cookie = cookie;
  return record;
}

inline void add_unix_dump(Records& records, std::vector<decode::UnixDiagRecord> rows) {
  decode::UnixDiagDump dump;
  dump.rows = std::move(rows);
  records.unix_dumps.emplace_back(reconstruct::Origin{2, kNetns, 1}, std::move(dump));
}

// The socket with this inode.
inline const model::Socket& socket_with(const model::Snapshot& snapshot, std::uint64_t inode) {
  for (const auto& socket : snapshot.sockets)
    if (socket.inode == inode) return socket;
  throw std::runtime_error("no socket with inode " + std::to_string(inode));
}

inline const model::OwnerlessReason& reason_of(const model::Snapshot& snapshot, std::uint64_t inode) {
  const auto& reason = socket_with(snapshot, inode).ownerless_reason;
  if (!reason) throw std::runtime_error("no reason for inode " + std::to_string(inode));
  return *reason;
}

inline model::Snapshot run(Records records) { return reconstruct::reconstruct(std::move(records), {}); }

}  // namespace ssnap::reconstruct::test
