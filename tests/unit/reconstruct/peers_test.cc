// The ties between sockets.
#include <string>

#include "reconstruct/passes.h"
#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using model::Certainty;
using model::Snapshot;
using model::Socket;
using model::Tie;

namespace {

using Kind = model::UnixName::Kind;

const auto kLocalhost = ip({127, 0, 0, 1}), kHost = ip({10, 0, 0, 5}), kGuest = ip({10, 0, 0, 6});

base::IpAddress mapped(const base::IpAddress& v4) {
  base::IpAddress address = any_v6();
  address.bytes[10] = address.bytes[11] = 0xff;
  std::copy_n(v4.bytes.begin(), 4, address.bytes.begin() + 12);
  return address;
}

base::IpAddress link_local(int last) {
  base::IpAddress address = any_v6();
  address.bytes[0] = 0xfe, address.bytes[1] = 0x80;
  address.bytes[15] = static_cast<std::uint8_t>(last);
  return address;
}

Socket connection(base::IpAddress local, std::uint16_t port, base::IpAddress peer, std::uint16_t peer_port,
                  std::uint32_t netns = 0, std::uint16_t protocol = model::kProtocolTcp) {
  Socket socket = inet_socket(protocol, model::kStateEstab, local, port);
  socket.peer = {peer, peer_port, 0, {}};
  socket.netns = netns;
  return socket;
}

Socket udp_server(base::IpAddress local, std::uint16_t port, std::uint32_t netns = 0) {
  Socket socket = inet_socket(model::kProtocolUdp, model::kStateUnconn, local, port);
  socket.netns = netns;
  return socket;
}

Socket udp_client(base::IpAddress peer, std::uint16_t port, std::uint32_t netns = 0) {
  return connection(peer, 40000, peer, port, netns, model::kProtocolUdp);
}

Socket unix_end(std::uint64_t inode, std::uint64_t peer, std::uint16_t type = model::kSocketStream,
                std::string name = "") {
  Socket socket = unix_socket(type, type == model::kSocketDgram ? model::kStateUnconn : model::kStateEstab,
                              name.empty() ? Kind::none : Kind::path, name);
  if (inode != 0) socket.inode = inode;
  if (peer != 0) socket.peer_inode = peer;
  return socket;
}

Socket unix_listener(std::uint64_t inode, std::string name, std::vector<std::uint32_t> pending) {
  Socket socket = unix_socket(model::kSocketStream, model::kStateListen, Kind::path, std::move(name));
  socket.inode = inode;
  socket.details = std::make_unique<model::SocketDetails>();
  socket.details->rare.make().pending_inodes = std::move(pending);
  return socket;
}

Socket netlink(std::uint32_t port, std::uint32_t peer, std::uint16_t protocol = 0) {
  Socket socket = other_socket(model::kFamilyNetlink, protocol, model::View::netlink_diag);
  socket.local.port = port;
  socket.peer.port = peer;
  return socket;
}

Socket vsock(std::uint32_t cid, std::uint32_t port, std::uint32_t peer_cid, std::uint32_t peer_port) {
  Socket socket = other_socket(model::kFamilyVsock, model::kSocketStream, model::View::vsock_diag);
  socket.state = model::kStateEstab;
  socket.local.node = cid, socket.local.port = port;
  socket.peer.node = peer_cid, socket.peer.port = peer_port;
  return socket;
}

template <class... Sockets>
Snapshot snapshot_of(Sockets... sockets) {
  Snapshot result = snapshot();
  for (std::uint64_t inode = 4026531841; inode < 4026531844; ++inode) result.namespaces.push_back({inode, "", "", false, false});
  (result.sockets.push_back(std::move(sockets)), ...);
  return result;
}

reconstruct::Records addresses(std::vector<std::pair<std::uint32_t, base::IpAddress>> list) {
  reconstruct::Records records;
  for (auto& [netns, address] : list) records.netns_facts[4026531840 + netns].addresses.push_back(address);
  return records;
}

// "0: peer 1; 1: peer 0?": a '~' after what is probable, a '?' after what is possible.
std::string ties(Snapshot& snapshot, const reconstruct::Records& records = {}) {
  reconstruct::find_peers(records, snapshot);
  std::string text;
  for (std::size_t i = 0; i < snapshot.sockets.size(); ++i) {
    if (snapshot.sockets[i].links.empty()) continue;
    text += (text.empty() ? "" : "; ") + std::to_string(i) + ":";
    for (const auto& link : snapshot.sockets[i].links) {
      constexpr const char* kMarks[] = {"", "~", "?"};
      text += " " + std::string(model::tie_name(link.tie)) + " " + std::to_string(link.socket) +
              kMarks[static_cast<std::size_t>(link.certainty)];
    }
  }
  return text;
}

template <class... Sockets>
std::string ties_of(Sockets... sockets) {
  Snapshot snapshot = snapshot_of(std::move(sockets)...);
  return ties(snapshot);
}

}  // namespace

TEST_CASE("the ends of a connection are found by the reversed addresses") {
  for (const std::uint16_t protocol : {model::kProtocolTcp, model::kProtocolUdp, model::kProtocolUdplite, model::kProtocolSctp,
                                       model::kProtocolDccp, model::kProtocolMptcp}) {
    INFO(protocol);
    CHECK(ties_of(connection(kHost, 80, kHost, 5000, 0, protocol), connection(kHost, 5000, kHost, 80, 0, protocol)) ==
          "0: peer 1; 1: peer 0");
  }
  CHECK(ties_of(connection(kHost, 80, kHost, 5000), connection(kHost, 5000, kHost, 81)).empty());
  CHECK(ties_of(connection(kHost, 80, kHost, 5000), connection(kHost, 5000, kHost, 80, 0, model::kProtocolUdp)).empty());
  // A v4 client of a v6 socket.
  CHECK(ties_of(connection(mapped(kHost), 80, mapped(kHost), 5000), connection(kHost, 5000, kHost, 80)) ==
        "0: peer 1; 1: peer 0");
  // A socket that is connected to itself has no other end.
  CHECK(ties_of(connection(kHost, 80, kHost, 80)).empty());
  // Raw sockets have no ports.
  CHECK(ties_of(connection(kHost, 1, kHost, 1, 0, model::kProtocolRaw), connection(kHost, 1, kHost, 1, 0, model::kProtocolRaw)).empty());
}

TEST_CASE("SMC connections have two ends too, and are not TCP's") {
  auto one = connection(kHost, 80, kHost, 5000, 0, model::kSocketStream), other = connection(kHost, 5000, kHost, 80);
  one.family = model::kFamilySmc;
  CHECK(ties_of(std::move(one), std::move(other)).empty());
  auto client = connection(kHost, 5000, kHost, 80, 0, model::kSocketStream);
  auto server = connection(kHost, 80, kHost, 5000, 0, model::kSocketStream);
  client.family = server.family = model::kFamilySmc;
  CHECK(ties_of(std::move(client), std::move(server)) == "0: peer 1; 1: peer 0");
}

TEST_CASE("across namespaces by addresses that are not loopback's, the own namespace first") {
  CHECK(ties_of(connection(kHost, 80, kGuest, 5000), connection(kGuest, 5000, kHost, 80, 1)) == "0: peer 1; 1: peer 0");
  CHECK(ties_of(connection(kLocalhost, 80, kLocalhost, 5000), connection(kLocalhost, 5000, kLocalhost, 80, 1)).empty());
  // The same pair in the same namespace and in another: the former.
  CHECK(ties_of(connection(kHost, 80, kGuest, 5000), connection(kGuest, 5000, kHost, 80, 1),
                connection(kGuest, 5000, kHost, 80)) == "0: peer 2; 2: peer 0");
  // Two namespaces with the same address: it may be either.
  CHECK(ties_of(connection(kHost, 80, kGuest, 5000), connection(kGuest, 5000, kHost, 80, 1),
                connection(kGuest, 5000, kHost, 80, 2)) == "0: peer 1? peer 2?; 1: peer 0?; 2: peer 0?");
}

TEST_CASE("link-local addresses: each end has the index of its own interface") {
  auto client = connection(link_local(1), 5000, link_local(2), 80), server = connection(link_local(2), 80, link_local(1), 5000, 1);
  client.local.interface_index = 2;
  server.local.interface_index = 7;
  CHECK(ties_of(std::move(client), std::move(server)) == "0: peer 1; 1: peer 0");
}

TEST_CASE("what holds the address of a dead peer is no end, and the living come first") {
  auto dead = connection(kHost, 80, kHost, 5000);
  dead.state = model::kStateBoundInactive;
  CHECK(ties_of(std::move(dead), connection(kHost, 5000, kHost, 80)).empty());
  auto old = connection(kHost, 5000, kHost, 80), older = connection(kHost, 80, kHost, 5000);
  old.state = older.state = model::kStateTimeWait;
  Snapshot both = snapshot_of(connection(kHost, 80, kHost, 5000), std::move(old), connection(kHost, 5000, kHost, 80));
  CHECK(ties(both) == "0: peer 2; 2: peer 0");
  auto waits = connection(kHost, 5000, kHost, 80);
  waits.state = model::kStateTimeWait;
  CHECK(ties_of(std::move(older), std::move(waits)) == "0: peer 1; 1: peer 0");
  auto request = connection(kHost, 80, kHost, 5000);
  request.state = model::kStateSynRecv;
  CHECK(ties_of(std::move(request), connection(kHost, 5000, kHost, 80)) == "0: peer 1; 1: peer 0");
}

TEST_CASE("a connection that went and one that came later are no pair") {
  auto went = connection(kHost, 80, kHost, 5000), came = connection(kHost, 80, kHost, 5000);
  auto client_went = connection(kHost, 5000, kHost, 80), client_came = connection(kHost, 5000, kHost, 80);
  went.presence = client_went.presence = model::Presence::went;
  came.presence = client_came.presence = model::Presence::came;
  CHECK(ties_of(std::move(went), std::move(came), std::move(client_went), std::move(client_came)) ==
        "0: peer 2; 1: peer 3; 2: peer 0; 3: peer 1");
}

TEST_CASE("an SCTP association is found by any of its addresses") {
  auto one = connection(kHost, 2905, kGuest, 2906, 0, model::kProtocolSctp);
  one.details = std::make_unique<model::SocketDetails>();
  one.details->rare.make().further_locals = {kHost, ip({10, 0, 1, 5})};
  one.details->rare.make().further_peers = {kGuest, ip({10, 0, 1, 6})};
  CHECK(ties_of(std::move(one), connection(ip({10, 0, 1, 6}), 2906, ip({10, 0, 1, 5}), 2905, 1, model::kProtocolSctp)) ==
        "0: peer 1; 1: peer 0");
}

TEST_CASE("the client of a connection that waits to be accepted is its peer") {
  Snapshot snapshot = snapshot_of(connection(kHost, 80, kHost, 5000), connection(kHost, 5000, kHost, 80));
  snapshot.processes = {process(50, "server"), process(60, "client")};
  snapshot.sockets[0].owners = {owner(0, {})};
  snapshot.sockets[0].owners[0].via = model::Via::listener;
  snapshot.sockets[1].inode = 7;
  ties(snapshot);
  CHECK(model::peer_processes(snapshot, snapshot.sockets[1]).processes == std::vector{0u});
}

TEST_CASE("sockets that can't be told apart are tied up to a limit") {
  Snapshot snapshot = snapshot_of(connection(kHost, 5000, kHost, 80, 0, model::kProtocolUdp));
  for (int i = 0; i < 1000; ++i) snapshot.sockets.push_back(connection(kHost, 80, kHost, 5000, 0, model::kProtocolUdp));
  ties(snapshot);
  CHECK(snapshot.sockets[0].links.size() == 16);
  CHECK(snapshot.sockets[0].links[15].certainty == Certainty::possible);
}

TEST_CASE("a UDP client knows its server, bound to the address or to any") {
  CHECK(ties_of(udp_client(kLocalhost, 53), udp_server(kLocalhost, 53), udp_server(any_v4(), 53)) == "0: server 1; 1: client 0");
  CHECK(ties_of(udp_client(kLocalhost, 53), udp_server(any_v4(), 53), udp_server(any_v6(), 53)) == "0: server 1; 1: client 0");
  CHECK(ties_of(udp_client(mapped(kLocalhost), 53), udp_server(any_v6(), 53)) == "0: server 1; 1: client 0");
  CHECK(ties_of(udp_client(kLocalhost, 53), udp_server(any_v4(), 54)).empty());
  CHECK(ties_of(udp_client(kLocalhost, 53), udp_server(any_v4(), 53, 1)).empty());
  // SO_REUSEPORT: any of them.
  CHECK(ties_of(udp_client(kLocalhost, 53), udp_server(any_v4(), 53), udp_server(any_v4(), 53)) ==
        "0: server 1? server 2?; 1: client 0?; 2: client 0?");
  // Bound to an interface, it may not get it.
  auto bound = udp_server(any_v4(), 53);
  bound.local.interface_index = 2;
  CHECK(ties_of(udp_client(kLocalhost, 53), std::move(bound)) == "0: server 1?; 1: client 0?");
  // :: without IPv4.
  auto v6only = udp_server(any_v6(), 53);
  v6only.details = std::make_unique<model::SocketDetails>();
  v6only.details->v6only = true;
  CHECK(ties_of(udp_client(kLocalhost, 53), std::move(v6only)).empty());
  // Connected both ways, nobody else gets it.
  CHECK(ties_of(connection(kHost, 5000, kHost, 53, 0, model::kProtocolUdp), connection(kHost, 53, kHost, 5000, 0, model::kProtocolUdp),
                udp_server(kHost, 53)) == "0: peer 1; 1: peer 0");
  // To a group, everybody who joined it.
  const auto group = ip({224, 0, 0, 251});
  CHECK(ties_of(udp_client(group, 5353), udp_server(group, 5353)) == "0: server 1?; 1: client 0?");
}

TEST_CASE("a UDP server on any address gets what is sent to the addresses of its namespace") {
  // Not known to be local: the packets may leave the host.
  CHECK(ties_of(udp_client(kHost, 53), udp_server(any_v4(), 53)).empty());
  CHECK(ties_of(udp_client(kHost, 53), udp_server(kHost, 53)) == "0: server 1; 1: client 0");
  Snapshot local = snapshot_of(udp_client(kHost, 53), udp_server(any_v4(), 53), udp_server(any_v4(), 53, 1));
  CHECK(ties(local, addresses({{0, kHost}, {1, kHost}})) == "0: server 1; 1: client 0");
  Snapshot elsewhere = snapshot_of(udp_client(kHost, 53), udp_server(any_v4(), 53), udp_server(any_v4(), 53, 1));
  CHECK(ties(elsewhere, addresses({{1, kHost}, {1, kHost}})) == "0: server 2~; 2: client 0~");
  Snapshot twice = snapshot_of(udp_client(kHost, 53), udp_server(kHost, 53, 1), udp_server(any_v4(), 53, 2));
  CHECK(ties(twice, addresses({{1, kHost}, {2, kHost}})) == "0: server 1? server 2?; 1: client 0?; 2: client 0?");
  // Local here, and nobody listens: not for another namespace.
  Snapshot unheard = snapshot_of(udp_client(kHost, 53), udp_server(any_v4(), 53, 1));
  CHECK(ties(unheard, addresses({{0, kHost}, {1, kHost}})).empty());
}

TEST_CASE("this end of a point-to-point link is the local address") {
  reconstruct::Records records;
  decode::RtAddress plain, point_to_point, none;
  plain.address = kHost;
  point_to_point.address = kGuest;
  point_to_point.local = kHost;
  reconstruct::add_addresses_of_netns(records, 7, {plain, point_to_point, none});
  CHECK(records.netns_facts.at(7).addresses == std::vector{kHost, kHost});
}

TEST_CASE("UNIX pairs name each other") {
  for (const std::uint16_t type : {model::kSocketStream, model::kSocketSeqpacket, model::kSocketDgram})
    CHECK(ties_of(unix_end(10, 11, type), unix_end(11, 10, type)) == "0: peer 1; 1: peer 0");
  auto elsewhere = unix_end(11, 10, model::kSocketStream, "/run/s");
  elsewhere.netns = 1;
  Snapshot snapshot = snapshot_of(unix_end(10, 11), std::move(elsewhere));
  CHECK(ties(snapshot) == "0: peer 1; 1: peer 0");
  CHECK(snapshot.sockets[0].peer_name->bytes == "/run/s");
  // One end dumped before it was connected; and two that contradict each other.
  CHECK(ties_of(unix_end(10, 11), unix_end(11, 0)) == "0: peer 1~; 1: peer 0~");
  CHECK(ties_of(unix_end(10, 11), unix_end(11, 12)) == "0: peer 1?; 1: peer 0?");
  CHECK(ties_of(unix_end(10, 99)).empty());
}

TEST_CASE("UNIX datagrams go one way, unless both ends are connected") {
  CHECK(ties_of(unix_end(10, 0, model::kSocketDgram, "/dev/log"), unix_end(11, 10, model::kSocketDgram),
                unix_end(12, 10, model::kSocketDgram)) == "0: client 1 client 2; 1: server 0; 2: server 0");
  CHECK(ties_of(unix_end(10, 10, model::kSocketDgram)).empty());
}

TEST_CASE("an inode that several rows share is no key, unless one of them points back") {
  CHECK(ties_of(unix_end(10, 11), unix_end(11, 0), unix_end(11, 0)) == "0: peer 1? peer 2?; 1: peer 0?; 2: peer 0?");
  CHECK(ties_of(unix_end(10, 11), unix_end(11, 0), unix_end(11, 10)) == "0: peer 2; 2: peer 0");
}

TEST_CASE("a client that waits is tied to its listener, and to the row that waits for it") {
  CHECK(ties_of(unix_listener(10, "/run/s", {11}), unix_end(11, 0)) == "0: pending 1; 1: listener 0");
  CHECK(ties_of(unix_listener(10, "/run/s", {11}), unix_end(11, 0), unix_end(0, 0, model::kSocketStream, "/run/s"),
                unix_end(0, 0, model::kSocketStream, "/run/t")) == "0: pending 1; 1: peer 2 listener 0; 2: peer 1");
  CHECK(ties_of(unix_listener(10, "/run/s", {12, 11, 99}), unix_end(11, 0), unix_end(12, 0),
                unix_end(0, 0, model::kSocketStream, "/run/s"), unix_end(0, 0, model::kSocketStream, "/run/s")) ==
        "0: pending 1 pending 2; 1: peer 3~ listener 0; 2: peer 4~ listener 0; 3: peer 1~; 4: peer 2~");
  // The row is in the namespace of its client.
  auto client = unix_end(11, 0), row = unix_end(0, 0, model::kSocketStream, "/run/s");
  client.netns = row.netns = 1;
  CHECK(ties_of(unix_listener(10, "/run/s", {11}), std::move(client), std::move(row)) ==
        "0: pending 1; 1: peer 2 listener 0; 2: peer 1");
}

TEST_CASE("the server of a client that waits is named, and not the server as its own peer") {
  Snapshot snapshot = snapshot_of(unix_listener(10, "/run/s", {11}), unix_end(11, 0),
                                  unix_end(0, 0, model::kSocketStream, "/run/s"));
  snapshot.processes = {process(50, "server"), process(60, "client")};
  snapshot.sockets[0].owners = {owner(0, {3})};
  snapshot.sockets[1].owners = {owner(1, {3})};
  snapshot.sockets[2].owners = {owner(0, {})};
  ties(snapshot);
  CHECK(model::peer_processes(snapshot, snapshot.sockets[0]).processes == std::vector{1u});
  CHECK(model::peer_processes(snapshot, snapshot.sockets[1]).processes == std::vector{0u});
  CHECK(model::peer_processes(snapshot, snapshot.sockets[2]).processes == std::vector{1u});
}

TEST_CASE("MPTCP subflows share the inode of their connection") {
  auto parent = connection(kHost, 80, kGuest, 5000, 0, model::kProtocolMptcp), elsewhere = connection(kHost, 80, kGuest, 5001, 1);
  auto first = connection(kHost, 80, kGuest, 5000), second = connection(kHost, 80, kGuest, 5001), plain = connection(kHost, 80, kGuest, 5002);
  parent.inode = first.inode = second.inode = elsewhere.inode = 7;
  plain.inode = 8;
  CHECK(ties_of(std::move(parent), std::move(first), std::move(second), std::move(plain), std::move(elsewhere)) ==
        "0: subflow 1 subflow 2; 1: parent 0; 2: parent 0");
}

TEST_CASE("netlink sockets that are connected to another's port id") {
  CHECK(ties_of(netlink(50, 60), netlink(60, 50)) == "0: peer 1; 1: peer 0");
  CHECK(ties_of(netlink(50, 60), netlink(60, 0), netlink(60, 0, 15)) == "0: server 1; 1: client 0");
  CHECK(ties_of(netlink(50, 0), netlink(0, 0)).empty());
  auto elsewhere = netlink(60, 50);
  elsewhere.netns = 1;
  CHECK(ties_of(netlink(50, 60), std::move(elsewhere)).empty());
}

TEST_CASE("vsock pairs on this host") {
  constexpr std::uint32_t kAny = 0xffffffff;
  // A client has CID any; its server sees it as 1.
  CHECK(ties_of(vsock(kAny, 5000, 1, 80), vsock(1, 80, 1, 5000)) == "0: peer 1; 1: peer 0");
  CHECK(ties_of(vsock(kAny, 5000, 2, 80), vsock(2, 80, 1, 5000)) == "0: peer 1; 1: peer 0");
  CHECK(ties_of(vsock(kAny, 5000, 9, 80), vsock(9, 80, 1, 5000)) == "0: peer 1; 1: peer 0");
  // A guest's end is not here.
  CHECK(ties_of(vsock(kAny, 5000, 3, 80), vsock(2, 80, 3, 5000)).empty());
  CHECK(ties_of(vsock(kAny, 5000, 3, 80), vsock(kAny, 80, 3, 5000)).empty());
  auto listener = vsock(1, 80, kAny, kAny);
  listener.state = model::kStateListen;
  CHECK(ties_of(vsock(kAny, kAny, 1, 80), std::move(listener)).empty());
}
