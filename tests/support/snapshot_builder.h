// Snapshots made by hand, for the layers above the model.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::test {

inline base::IpAddress ip(std::vector<int> bytes) {
  std::string text(bytes.begin(), bytes.end());
  return bytes.size() == 4 ? base::IpAddress::v4(text) : base::IpAddress::v6(text);
}
inline base::IpAddress any_v6() {
  return base::IpAddress::v6(std::string(16, '\0'));
}
inline base::IpAddress any_v4() {
  return ip({0, 0, 0, 0});
}

// A process with its start 100 ticks per pid after boot; the command line is its name.
inline model::Process process(std::int64_t pid, std::string comm, std::int64_t ppid = 1) {
  model::Process process;
  process.pid = pid;
  process.ppid = ppid;
  process.start_ticks = static_cast<std::uint64_t>(pid) * 100;
  process.start_realtime_nsec = 1'795'290'000'000'000'000 + pid * 1'000'000'000;
  process.uid = process.euid = 0;
  process.cmdline = std::vector<std::string>{comm};
  process.comm = std::move(comm);
  return process;
}

inline model::Owner owner(std::uint32_t process, std::vector<std::uint32_t> fds) {
  model::Owner owner;
  owner.process = process;
  owner.fds = std::move(fds);
  return owner;
}

inline model::Owner created(std::uint32_t process, std::vector<std::uint32_t> fds) {
  auto result = owner(process, std::move(fds));
  result.origin = model::Origin::creator;
  return result;
}

inline model::Owner inherited(std::uint32_t process, std::vector<std::uint32_t> fds, std::uint32_t from) {
  auto result = owner(process, std::move(fds));
  result.origin = model::Origin::inherited;
  result.from = from;
  return result;
}

inline model::Socket inet_socket(std::uint16_t protocol, std::uint8_t state, base::IpAddress local,
                                 std::uint16_t port) {
  model::Socket socket;
  socket.family = local.is_v6() ? model::kFamilyInet6 : model::kFamilyInet;
  socket.protocol = protocol;
  socket.state = state;
  socket.local = {local, port, 0, {}};
  socket.peer = {local.is_v6() ? any_v6() : any_v4(), 0, 0, {}};
  return socket;
}

inline model::Socket unix_socket(std::uint16_t type, std::uint8_t state, model::UnixName::Kind kind,
                                 std::string name) {
  model::Socket socket;
  socket.family = model::kFamilyUnix;
  socket.protocol = type;
  socket.state = state;
  socket.name = {kind, std::move(name)};
  return socket;
}

// A host with one namespace, its own.
inline model::Snapshot snapshot() {
  model::Snapshot snapshot;
  snapshot.host.nodename = "web1";
  snapshot.host.kernel = "6.1.0";
  snapshot.host.machine = "x86_64";
  snapshot.host.boot_id = "00000000-0000-4000-8000-000000000001";
  snapshot.capture.begin_realtime_nsec = 1'795'290'127'000'000'000;  // 2026-11-21 19:42:07Z
  snapshot.capture.end_realtime_nsec = 1'795'290'128'500'000'000;
  snapshot.capture.smear_nsec = 38'000'000;
  snapshot.capture.status = "complete";
  snapshot.capture.processes_found = 61;
  snapshot.capture.processes_read = 61;
  snapshot.namespaces.push_back({4026531840, "", "collector", true, false});
  snapshot.users = {{0, "root"}, {33, "www-data"}};
  snapshot.interfaces = {{{0, 1}, "lo"}, {{0, 2}, "eth0"}};
  return snapshot;
}

// README's scene: a server on 8080 whose shell inherited the listener.
inline model::Snapshot scene() {
  auto result = snapshot();
  result.processes.push_back(process(80, "python3"));
  result.processes.push_back(process(81, "sh", 80));
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v6(), 8080);
  listener.recv_queue = 0;
  listener.send_queue = 100;
  listener.inode = 4711;
  listener.cookie = 0x1234;
  listener.uid = 0;
  listener.details = std::make_unique<model::SocketDetails>();
  listener.details->v6only = false;
  listener.owners.push_back(created(0, {37}));
  listener.owners.push_back(inherited(1, {38}, 0));
  listener.sightings.push_back({model::View::inet_diag, 1, 0, 96});
  result.members = {"netns/4026531840/netlink/tcp.1"};
  result.sockets.push_back(std::move(listener));
  return result;
}

inline model::Socket other_socket(std::uint16_t family, std::uint16_t protocol, model::View view) {
  model::Socket socket;
  socket.family = family;
  socket.protocol = protocol;
  socket.state = model::kStateUnconn;
  socket.sightings.push_back({view, 1, 0, 0});
  socket.details = std::make_unique<model::SocketDetails>();
  return socket;
}

// A socket or two of each family and protocol beside the usual ones, with their particulars; details of odd ones last.
inline void add_every_family(model::Snapshot& snapshot) {
  using model::View;
  constexpr std::uint32_t kAny = 0xffffffff;
  auto& out = snapshot.sockets;
  auto sniffer = other_socket(model::kFamilyPacket, 3, View::packet_diag);
  sniffer.local.interface_index = 2;
  sniffer.inode = 5000;
  sniffer.presence = model::Presence::came;
  sniffer.details->packet = std::make_unique<model::PacketDetails>();
  auto& packet = *sniffer.details->packet;
  packet.ethertype = 3;
  packet.running = true;
  packet.version = 2;
  packet.flags = 0x33;
  packet.rx_ring = model::Ring{4096, 8, 2048, 16};
  packet.tx_ring = model::Ring{1, 2, 3, 4};
  packet.fanout = 3u << 16 | 7;
  packet.memberships = {{2, 1, 1, ""}, {9, 2, 99, std::string("\x01\x00\x5e\x00\x00\xfb", 6)}};
  packet.filter = {{40, 0, 0, 12}, {6, 0, 255, kAny}};
  out.push_back(std::move(sniffer));
  auto neighbours = other_socket(model::kFamilyPacket, model::kSocketDgram, View::packet_diag);
  neighbours.details->packet = std::make_unique<model::PacketDetails>();
  neighbours.details->packet->ethertype = 0x88cc;
  neighbours.details->packet->filter.emplace();
  out.push_back(std::move(neighbours));

  auto route = other_socket(model::kFamilyNetlink, 0, View::netlink_diag);
  route.local.port = 4711;
  route.inode = 5001;
  route.presence = model::Presence::throughout;
  route.details->rare.make().groups = {1, 35};
  out.push_back(std::move(route));
  out.push_back(other_socket(model::kFamilyNetlink, 15, View::netlink_diag));

  auto guest = other_socket(model::kFamilyVsock, model::kSocketStream, View::vsock_diag);
  guest.state = model::kStateListen;
  guest.local.node = kAny;
  guest.local.port = 1024;
  guest.peer.node = kAny;
  guest.peer.port = kAny;
  out.push_back(std::move(guest));
  auto connected = other_socket(model::kFamilyVsock, model::kSocketStream, View::vsock_diag);
  connected.state = model::kStateEstab;
  connected.local.node = 2;
  connected.local.port = 1024;
  connected.peer.node = 3;
  connected.peer.port = 4000000000;
  out.push_back(std::move(connected));

  auto xdp = other_socket(model::kFamilyXdp, 3, View::xdp_diag);
  xdp.local.interface_index = 2;
  xdp.details->xdp = std::make_unique<model::XdpDetails>();
  *xdp.details->xdp = {3, 1, 2048, 1024, 512, 256};
  out.push_back(std::move(xdp));
  auto tipc = other_socket(model::kFamilyTipc, 4, View::tipc_diag);
  tipc.local.node = 0x1001001;
  tipc.local.port = 3000000000;
  out.push_back(std::move(tipc));

  auto smc = inet_socket(model::kSocketStream, model::kStateListen, ip({10, 0, 0, 5}), 443);
  smc.family = model::kFamilySmc;
  out.push_back(std::move(smc));
  auto sctp = inet_socket(model::kProtocolSctp, model::kStateEstab, ip({10, 0, 0, 5}), 2905);
  sctp.peer = {ip({10, 0, 0, 6}), 2906, 0, {}};
  sctp.details = std::make_unique<model::SocketDetails>();
  sctp.details->info = {{"sctpi_tag", 0, 5}};
  sctp.details->rare.make().further_locals = {ip({10, 0, 0, 5}), ip({10, 0, 1, 5})};
  sctp.details->rare.make().further_peers = {ip({10, 0, 0, 6}), ip({10, 0, 1, 6})};
  out.push_back(std::move(sctp));
  out.push_back(inet_socket(model::kProtocolDccp, model::kStateListen, any_v4(), 5001));
  auto mptcp = inet_socket(model::kProtocolMptcp, model::kStateEstab, ip({10, 0, 0, 5}), 8443);
  mptcp.peer = {ip({10, 0, 0, 6}), 40000, 0, {}};
  mptcp.presence = model::Presence::went;
  mptcp.details = std::make_unique<model::SocketDetails>();
  mptcp.details->info = {{"mptcpi_subflows", 0, 2}};
  out.push_back(std::move(mptcp));
  out.push_back(inet_socket(model::kProtocolUdplite, model::kStateUnconn, any_v4(), 6000));
  out.push_back(inet_socket(model::kProtocolIcmp, model::kStateUnconn, any_v4(), 17));
  // In no table: an fd, and its protocol's name.
  out.push_back(other_socket(model::kFamilyNetlink, 16, View::sockprotoname));
  auto odd = other_socket(model::kFamilyPacket, 3, View::packet_diag);
  odd.local.interface_index = 77;
  odd.details->packet = std::make_unique<model::PacketDetails>();
  odd.details->packet->ethertype = 0xbeef;
  out.push_back(std::move(odd));
}

}  // namespace ssnap::test
