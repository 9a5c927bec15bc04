// Differences of two made-up snapshots: each kind of change, each noise rule, another boot, another host, what can't be compared.
#include "analyze/diff.h"

#include <algorithm>

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using analyze::Basis;
using analyze::Diff;
using analyze::DiffItem;
using analyze::kNew;
using analyze::kOld;
using analyze::Noise;

namespace {

// nginx with a listener and a worker, a client of its own, tables that say what was looked at.
model::Snapshot host() {
  auto result = snapshot();
  result.host.machine_id = "0123456789abcdef0123456789abcdef";
  result.namespaces[0].local_ports = model::PortRange{32768, 60999};
  for (const char* table : {"tcp", "tcp6", "udp", "udp6", "unix", "netlink", "packet"}) {
    model::AccountLine line;
    line.table = table;
    result.account.push_back(line);
  }
  auto server = process(100, "nginx");
  server.exe = "/usr/sbin/nginx";
  server.unit = "nginx.service";
  auto client = process(200, "curl");
  client.exe = "/usr/bin/curl";
  client.uid = client.euid = 33;
  result.processes.push_back(std::move(server));
  result.processes.push_back(std::move(client));
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80);
  listener.cookie = 1;
  listener.inode = 1001;
  listener.uid = 0;
  listener.owners.push_back(owner(0, {6}));
  result.sockets.push_back(std::move(listener));
  return result;
}

model::Socket connection(std::uint16_t local, base::IpAddress peer, std::uint16_t port, std::uint64_t cookie, std::uint32_t process) {
  auto socket = inet_socket(model::kProtocolTcp, model::kStateEstab, ip({10, 0, 0, 5}), local);
  socket.peer = {peer, port, 0, {}};
  socket.cookie = cookie;
  socket.inode = 1000 + cookie;
  socket.owners.push_back(owner(process, {3}));
  return socket;
}

// Started anew: every number that the kernel gives is another.
void reboot(model::Snapshot& snapshot) {
  snapshot.host.boot_id = "00000000-0000-4000-8000-000000000002";
  for (auto& process : snapshot.processes) {
    process.pid += 5000;
    process.start_ticks = *process.start_ticks + 77;
  }
  for (auto& socket : snapshot.sockets) {
    if (socket.cookie) socket.cookie = *socket.cookie + 9000;
    if (socket.inode) socket.inode = *socket.inode + 9000;
  }
  for (auto& netns : snapshot.namespaces) netns.inode += 3;
}

Diff compare(const model::Snapshot& before, const model::Snapshot& after) {
  return analyze::diff_snapshots(before, after, analyze::whole_scope(before, after));
}

// "new listener", "changed socket state ESTAB CLOSE-WAIT", "gone process?": what matters, a line each.
std::vector<std::string> lines(const Diff& diff) {
  std::vector<std::string> all;
  for (const DiffItem& item : diff.items) {
    if (item.noise != Noise::none) continue;
    std::string line = std::string(change_name(item.change)) + ' ' + std::string(kind_name(item.kind)) + (item.doubt.empty() ? "" : "?");
    for (const auto& field : item.fields) line += ' ' + std::string(field.field) + ' ' + field.before + ' ' + field.after;
    if (!item.owners_lost.empty()) line += " -" + std::to_string(item.owners_lost.size());
    if (!item.owners_gained.empty()) line += " +" + std::to_string(item.owners_gained.size());
    if (item.count > 1) line += " x" + std::to_string(item.count);
    all.push_back(line);
  }
  return all;
}

std::uint64_t noise(const Diff& diff, Noise kind) { return diff.noise[static_cast<std::size_t>(kind)]; }

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a snapshot differs from itself in nothing, noise neither") {
  auto snapshot = host();
  snapshot.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 2, 1));
  auto closing = inet_socket(model::kProtocolTcp, model::kStateTimeWait, ip({10, 0, 0, 5}), 80);
  closing.peer = {ip({10, 0, 0, 9}), 50000, 0, {}};
  snapshot.sockets.push_back(std::move(closing));
  add_every_family(snapshot);
  const auto diff = compare(snapshot, snapshot);
  CHECK(diff.basis == Basis::same_boot);
  CHECK(diff.items.empty());
  CHECK(diff.notes.empty());
  CHECK_FALSE(diff.reversed);
}

TEST_CASE("within a boot each change of a socket is found") {
  const auto before = host();
  SECTION("a listener and a connection that are new") {
    auto after = host();
    auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v6(), 4444);
    listener.cookie = 7;
    after.sockets.push_back(std::move(listener));
    after.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 8, 1));
    CHECK(lines(compare(before, after)) == Lines{"new listener", "new socket"});
    CHECK(lines(compare(after, before)) == Lines{"gone listener", "gone socket"});
  }
  SECTION("a state") {
    auto old = host(), after = host();
    old.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 8, 1));
    after.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 8, 1));
    after.sockets[1].state = model::kStateCloseWait;
    after.sockets[1].recv_queue = 77;  // queues are always moving
    CHECK(lines(compare(old, after)) == Lines{"changed socket state ESTAB CLOSE-WAIT"});
  }
  SECTION("uid, and what IPv4 it takes") {
    auto after = host();
    after.sockets[0].uid = 33;
    CHECK(lines(compare(before, after)) == Lines{"changed listener uid 0 33"});
  }
  SECTION("a second owner of the same program, and one of another") {
    auto after = host();
    after.processes.push_back(process(300, "nginx"));
    after.processes[2].exe = "/usr/sbin/nginx";
    after.processes[2].unit = "nginx.service";
    after.sockets[0].owners.push_back(owner(2, {6}));
    auto diff = compare(before, after);
    CHECK(lines(diff) == Lines{"changed listener +1"});
    CHECK(noise(diff, Noise::program) == 1);  // the process itself
    after.sockets[0].owners[1].process = 1;
    CHECK(lines(compare(before, after)) == Lines{"changed listener +1"});
    // What may be one is none.
    after.sockets[0].owners[1].certainty = model::Certainty::possible;
    CHECK(lines(compare(before, after)).empty());
  }
  SECTION("a listener that is made again at another address, by the same program") {
    auto after = host();
    after.sockets[0] = inet_socket(model::kProtocolTcp, model::kStateListen, any_v6(), 80);
    after.sockets[0].cookie = 99;
    after.sockets[0].uid = 0;
    after.sockets[0].owners.push_back(owner(0, {6}));
    CHECK(lines(compare(before, after)) == Lines{"changed listener local 0.0.0.0:80 [::]:80"});
  }
  SECTION("the same by inode where one view told no cookie, and by address where neither is the same") {
    auto after = host();
    after.sockets[0].cookie.reset();
    CHECK(compare(before, after).items.empty());
    after.sockets[0].cookie = 50;
    after.sockets[0].inode = 2000;
    CHECK(compare(before, after).items.empty());
  }
  SECTION("the filter of a packet socket") {
    auto old = host(), after = host();
    for (auto* snapshot : {&old, &after}) {
      auto sniffer = other_socket(model::kFamilyPacket, 3, model::View::packet_diag);
      sniffer.cookie = 70;
      sniffer.details->packet = std::make_unique<model::PacketDetails>();
      sniffer.details->packet->filter = {{6, 0, 0, 1}};
      snapshot->sockets.push_back(std::move(sniffer));
    }
    after.sockets[1].details->packet->filter->front().k = 2;
    CHECK(lines(compare(old, after)) == Lines{"changed socket filter 1 instruction 1 instruction, others"});
  }
}

TEST_CASE("within a boot processes are pid and start") {
  const auto before = host();
  SECTION("new programs, one item each; another process of a known one is noise") {
    auto after = host();
    for (const int pid : {300, 301, 302}) after.processes.push_back(process(pid, "miner"));
    after.processes.push_back(process(400, "curl"));
    after.processes.back().exe = "/usr/bin/curl";
    after.processes.back().uid = 33;
    const auto diff = compare(before, after);
    CHECK(lines(diff) == Lines{"new process x3"});
    CHECK(noise(diff, Noise::program) == 1);
    CHECK(lines(compare(after, before)) == Lines{"gone process x3"});
  }
  SECTION("the same number with another start is another process") {
    auto after = host();
    after.processes[1].start_ticks = 1;
    after.processes[1].exe = "/tmp/x";
    CHECK(lines(compare(before, after)) == Lines{"new process", "gone process"});
  }
  SECTION("who it is") {
    auto old = host(), after = host();
    after.processes[0].uid = after.processes[0].euid = 33;
    after.processes[0].exe = "/usr/sbin/nginx (deleted)";
    old.processes[0].capabilities_effective = 0x3f;
    after.processes[0].capabilities_effective = 0;
    CHECK(lines(compare(old, after)) ==
          Lines{"changed process exe /usr/sbin/nginx /usr/sbin/nginx (deleted) uid 0 33 euid 0 33 "
                "capabilities 000000000000003f 0000000000000000"});
    // What one capture could not read is no change.
    after.processes[0].exe.reset();
    after.processes[0].uid.reset();
    after.processes[0].euid.reset();
    after.processes[0].capabilities_effective.reset();
    CHECK(lines(compare(old, after)).empty());
  }
  SECTION("a kernel thread is called after its work; its coming is the kernel's") {
    auto old = host(), after = host();
    old.processes.push_back(process(7, "kworker/0:1-events"));
    after.processes.push_back(process(7, "kworker/0:1-mm"));
    after.processes.push_back(process(8, "kworker/0:2-mm"));
    for (auto* snapshot : {&old, &after})
      for (std::size_t i = 2; i < snapshot->processes.size(); ++i) snapshot->processes[i].kernel_thread = true;
    const auto diff = compare(old, after);
    CHECK(lines(diff).empty());
    CHECK(noise(diff, Noise::kernels) + noise(diff, Noise::program) == 1);
  }
  SECTION("the file behind a name was exchanged between two processes of a program") {
    auto old = host(), after = host();
    old.processes[0].exe_sha256 = std::string(64, 'a');
    after.processes[0].pid = 101;
    after.processes[0].exe_sha256 = std::string(64, 'b');
    CHECK(lines(compare(old, after)) == Lines{"changed process exe_sha256 " + std::string(64, 'a') + ' ' + std::string(64, 'b')});
    after.processes[0].exe_sha256 = std::string(64, 'a');
    CHECK(lines(compare(old, after)).empty());
  }
}

TEST_CASE("interpreters are told apart by what they run") {
  auto before = host(), after = host();
  for (auto* snapshot : {&before, &after}) {
    auto script = process(300, "python3");
    script.exe = "/usr/bin/python3.11";
    script.cmdline = {{"python3", "-u", "/srv/app.py"}};
    snapshot->processes.push_back(std::move(script));
  }
  after.processes[2].pid = 301;
  CHECK(lines(compare(before, after)).empty());
  after.processes[2].cmdline = {{"python3", "-u", "/tmp/x.py"}};
  CHECK(lines(compare(before, after)) == Lines{"new process", "gone process"});
}

TEST_CASE("noise within a boot is counted and not listed") {
  auto before = host(), after = host();
  SECTION("fifty clients that connected anew: both ends, and what is left of the old ones") {
    for (int i = 0; i < 50; ++i) {
      const auto port = static_cast<std::uint16_t>(40000 + i);
      const auto cookie = static_cast<std::uint64_t>(100 + 2 * i);
      before.sockets.push_back(connection(port, ip({10, 0, 0, 9}), 443, cookie, 1));
      before.sockets.push_back(connection(80, ip({10, 0, 0, 7}), port, cookie + 1, 0));
      after.sockets.push_back(connection(static_cast<std::uint16_t>(port + 100), ip({10, 0, 0, 9}), 443, cookie + 1000, 1));
      after.sockets.push_back(connection(80, ip({10, 0, 0, 7}), static_cast<std::uint16_t>(port + 100), cookie + 1001, 0));
      auto closed = connection(port, ip({10, 0, 0, 9}), 443, cookie, 1);
      closed.state = model::kStateTimeWait;
      closed.owners.clear();
      after.sockets.push_back(std::move(closed));
    }
    const auto diff = compare(before, after);
    CHECK(lines(diff).empty());
    CHECK(noise(diff, Noise::replaced) == 200);
    CHECK(noise(diff, Noise::passing) == 50);
    // One more than there were is no replacement, nor is one of another program or to another port.
    after.sockets.push_back(connection(45000, ip({10, 0, 0, 9}), 443, 5000, 1));
    after.sockets.push_back(connection(45001, ip({10, 0, 0, 9}), 444, 5001, 1));
    after.sockets.push_back(connection(45002, ip({10, 0, 0, 9}), 443, 5002, 0));
    CHECK(lines(compare(before, after)) == Lines{"new socket", "new socket", "new socket"});
  }
  SECTION("a client of another address is a difference") {
    before.sockets.push_back(connection(80, ip({10, 0, 0, 7}), 40000, 100, 0));
    after.sockets.push_back(connection(80, ip({10, 0, 0, 8}), 40000, 101, 0));
    CHECK(lines(compare(before, after)) == Lines{"new socket", "gone socket"});
  }
  SECTION("a worker in the place of another") {
    for (auto* snapshot : {&before, &after}) {
      auto worker = process(snapshot == &before ? 300 : 301, "nginx");
      worker.exe = "/usr/sbin/nginx";
      worker.uid = 33;
      snapshot->processes.push_back(std::move(worker));
      snapshot->sockets[0].owners.push_back(owner(2, {6}));
    }
    const auto diff = compare(before, after);
    CHECK(lines(diff).empty());
    CHECK(noise(diff, Noise::program) == 3);  // the socket's holder, the process that went, the one that came
  }
  SECTION("sockets of the kernel's own, of the collectors, and without a name") {
    before.capture.collector_pid = 900;
    after.capture.collector_pid = 901;
    before.processes.push_back(process(900, "ssnap"));
    after.processes.push_back(process(901, "ssnap"));
    for (auto* snapshot : {&before, &after}) {
      auto asking = other_socket(model::kFamilyNetlink, 4, model::View::netlink_diag);
      asking.local.port = snapshot == &before ? 900 : 901;
      asking.cookie = asking.local.port;
      asking.owners.push_back(owner(2, {3}));
      snapshot->sockets.push_back(std::move(asking));
    }
    auto kernels = other_socket(model::kFamilyNetlink, 9, model::View::netlink_diag);
    kernels.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::kernel, "", {}, 0};
    after.sockets.push_back(std::move(kernels));
    after.sockets.push_back(unix_socket(model::kSocketStream, model::kStateEstab, model::UnixName::Kind::none, ""));
    after.sockets.push_back(unix_socket(model::kSocketDgram, model::kStateUnconn, model::UnixName::Kind::abstract_name, "0001f"));
    const auto diff = compare(before, after);
    CHECK(lines(diff).empty());
    CHECK(noise(diff, Noise::collector) == 4);
    CHECK(noise(diff, Noise::kernels) == 1);
    CHECK(noise(diff, Noise::unnamed) == 2);
  }
  SECTION("what came or went while a capture ran") {
    auto asking = other_socket(model::kFamilyNetlink, 12, model::View::netlink_diag);
    asking.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::gone, "", {}, 0};
    after.sockets.push_back(std::move(asking));
    const auto diff = compare(before, after);
    CHECK(lines(diff).empty());
    CHECK(noise(diff, Noise::passing) == 1);
    CHECK(compare(after, after).items.empty());
  }
  SECTION("a resolver's socket at a port of the kernel's choice") {
    for (auto* snapshot : {&before, &after}) {
      auto socket = inet_socket(model::kProtocolUdp, model::kStateUnconn, any_v4(), snapshot == &before ? 40000 : 41000);
      socket.cookie = snapshot == &before ? 20 : 21;
      socket.owners.push_back(owner(1, {3}));
      snapshot->sockets.push_back(std::move(socket));
    }
    CHECK(lines(compare(before, after)).empty());
    after.sockets[1].local.port = 53;
    CHECK(lines(compare(before, after)) == Lines{"new listener", "gone socket"});
  }
}

TEST_CASE("over a reboot only what is meaningful is compared") {
  auto before = host();
  before.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 100, 1));
  before.sockets.push_back(connection(40001, ip({10, 0, 0, 9}), 443, 101, 1));
  before.sockets.push_back(connection(80, ip({10, 0, 0, 7}), 50000, 102, 0));
  auto named = unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::path, "/run/x");
  named.owners.push_back(owner(0, {7}));
  before.sockets.push_back(std::move(named));
  auto after = host();
  // Fewer alike connections, from other ports; another client.
  after.sockets.push_back(connection(51000, ip({10, 0, 0, 9}), 443, 100, 1));
  after.sockets.push_back(connection(80, ip({10, 0, 0, 77}), 50000, 102, 0));
  auto again = unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::path, "/run/x");
  again.owners.push_back(owner(0, {9}));
  after.sockets.push_back(std::move(again));
  reboot(after);
  auto diff = compare(before, after);
  CHECK(diff.basis == Basis::other_boot);
  CHECK(lines(diff).empty());
  CHECK(noise(diff, Noise::number) == 1);
  CHECK(noise(diff, Noise::inbound) == 2);

  SECTION("a new listener, and who listens now") {
    auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 4444);
    listener.owners.push_back(owner(1, {5}));
    after.sockets.push_back(std::move(listener));
    after.sockets[0].owners[0].process = 1;
    CHECK(lines(compare(before, after)) == Lines{"new listener", "changed listener -1 +1"});
  }
  SECTION("where a program connects to") {
    after.sockets.push_back(connection(40000, ip({203, 0, 113, 5}), 8443, 500, 1));
    CHECK(lines(compare(before, after)) == Lines{"new socket"});
  }
  SECTION("a program, whatever its pid, and the number in its unit's name") {
    before.processes.push_back(process(700, "sshd"));
    before.processes.back().unit = "session-4.scope";
    after.processes.push_back(process(800, "sshd"));
    after.processes.back().unit = "session-17.scope";
    CHECK(lines(compare(before, after)).empty());
    after.processes.push_back(process(801, "miner"));
    after.processes.push_back(process(802, "miner"));
    CHECK(lines(compare(before, after)) == Lines{"new process x2"});
  }
  SECTION("a file that was exchanged") {
    before.processes[0].exe_sha256 = std::string(64, 'a');
    after.processes[0].exe_sha256 = std::string(64, 'b');
    CHECK(lines(compare(before, after)) == Lines{"changed process exe_sha256 " + std::string(64, 'a') + ' ' + std::string(64, 'b')});
  }
  SECTION("another host: users by name") {
    after.host.nodename = "web2";
    after.host.machine_id = "ffffffffffffffffffffffffffffffff";
    after.users = {{0, "root"}, {1033, "www-data"}};
    after.processes[1].uid = 1033;
    diff = compare(before, after);
    CHECK(diff.basis == Basis::other_host);
    CHECK(lines(diff).empty());
    after.host.nodename.reset();
    after.host.machine_id.reset();
    after.host.boot_id.reset();
    CHECK(compare(before, after).basis == Basis::unknown);
  }
}

TEST_CASE("namespaces by inode within a boot, by name over a reboot") {
  auto before = host(), after = host();
  const auto add = [](model::Snapshot& snapshot, std::uint64_t inode, const char* name) {
    model::Namespace netns;
    netns.inode = inode;
    netns.name = name;
    snapshot.namespaces.push_back(netns);
    auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80);
    listener.netns = static_cast<std::uint32_t>(snapshot.namespaces.size() - 1);
    snapshot.sockets.push_back(std::move(listener));
  };
  add(before, 5001, "blue");
  add(after, 5002, "blue");
  CHECK(lines(compare(before, after)) == Lines{"new listener", "gone listener", "new namespace", "gone namespace"});
  reboot(after);
  CHECK(lines(compare(before, after)).empty());
  add(after, 5004, "green");
  CHECK(lines(compare(before, after)) == Lines{"new listener", "new namespace"});
}

TEST_CASE("interfaces by name, their addresses, routes by all that they are") {
  auto before = host(), after = host();
  for (auto* snapshot : {&before, &after}) {
    auto& tables = snapshot->net_tables[0];
    tables.interfaces = {{"lo", 0x49, 65536, 1, 0}, {"eth0", 0x43, 1500, 2, 0}};
    tables.addresses = {{1, ip({127, 0, 0, 1}), 8, 0x80}, {2, ip({10, 0, 0, 5}), 24, 0x80}};
    tables.routes.emplace();
    tables.routes6.emplace();
    tables.routes->push_back({ip({0, 0, 0, 0}), ip({10, 0, 0, 1}), ip({0, 0, 0, 0}), 0, 3, 100, 0, 0, 0, 0, 0, "eth0"});
  }
  CHECK(compare(before, after).items.empty());
  auto& tables = after.net_tables[0];
  SECTION("flags, MTU, promiscuity, addresses") {
    tables.interfaces[1] = {"eth0", 0x142, 9000, 2, 1};
    tables.addresses.push_back({2, ip({10, 0, 0, 6}), 24, 0x80});
    CHECK(lines(compare(before, after)) == Lines{"changed interface up yes no promiscuous no yes mtu_bytes 1500 9000 promiscuity 0 1 "
                                                 "addresses 10.0.0.5/24 10.0.0.5/24, 10.0.0.6/24"});
  }
  SECTION("an IPv6 address that the host makes for itself, and routes that follow from addresses") {
    tables.addresses.push_back({2, any_v6(), 64, 0x01});
    tables.routes6->push_back({any_v6(), any_v6(), {}, 128, 0x80000001, 0, 0, 0, 0, 0, 0, "lo"});
    CHECK(compare(before, after).items.empty());
  }
  SECTION("an interface more, a route that has another gateway, one of IPv6") {
    tables.interfaces.push_back({"tun0", 0x1, 1400, 3, 0});
    tables.routes->front().gateway = ip({10, 0, 0, 2});
    tables.routes->front().use = 77;
    tables.routes6->push_back({any_v6(), any_v6(), {}, 0, 3, 1024, 0, 0, 0, 0, 0, "tun0"});
    const auto diff = compare(before, after);
    CHECK(lines(diff) == Lines{"new interface", "new route", "new route", "gone route"});
    CHECK(std::count_if(diff.items.begin(), diff.items.end(), [](const DiffItem& item) { return item.ipv6; }) == 1);
  }
  SECTION("a table that one of them lacks is not compared, and that is said") {
    tables.routes.reset();
    tables.interfaces.clear();
    const auto diff = compare(before, after);
    CHECK(diff.items.empty());
    CHECK(diff.notes == Lines{"NEW has no interfaces of the host's own namespace: not compared",
                              "NEW has no IPv4 routes of the host's own namespace: not compared"});
  }
}

TEST_CASE("what one of them could not have shown is in doubt") {
  auto before = host(), after = host();
  SECTION("a table") {
    before.account.erase(before.account.end() - 1);  // packet
    auto sniffer = other_socket(model::kFamilyPacket, 3, model::View::packet_diag);
    sniffer.owners.push_back(owner(0, {9}));
    after.sockets.push_back(std::move(sniffer));
    const auto diff = compare(before, after);
    CHECK(lines(diff) == Lines{"new socket?"});
    CHECK(diff.items.at(0).doubt == "OLD has no packet table");
  }
  SECTION("the end of an archive") {
    after.capture.incomplete = true;
    after.capture.status = "cut";
    after.sockets.clear();
    const auto diff = compare(before, after);
    CHECK(lines(diff) == Lines{"gone listener?"});
    CHECK(diff.items.at(0).doubt == "NEW is incomplete");
    CHECK(diff.notes == Lines{"NEW is incomplete (cut): what it lacks may have been there"});
  }
  SECTION("owners") {
    before.sockets[0].owners.clear();
    before.sockets[0].ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::unreadable, "", {}, 0};
    before.capture.processes_read = 60;
    const auto diff = compare(before, after);
    CHECK(lines(diff).empty());
    CHECK(noise(diff, Noise::unseen) == 1);
    CHECK(diff.notes.size() == 1);
  }
  SECTION("an owner that was there, but could not be read") {
    after.sockets[0].owners.push_back(owner(1, {6}));
    CHECK(lines(compare(before, after)) == Lines{"changed listener +1"});
    before.processes[1].fds_readable = false;
    CHECK(lines(compare(before, after)).empty());
  }
  SECTION("processes and namespaces that were left out on purpose") {
    for (const char* source : {"proc_list", "netns_list"}) {
      model::Gap gap;
      gap.kind = base::OutcomeKind::skipped;
      gap.source = source;
      before.gaps.push_back(gap);
    }
    after.processes.push_back(process(300, "miner"));
    model::Namespace netns;
    netns.inode = 5001;
    after.namespaces.push_back(netns);
    const auto diff = compare(before, after);
    CHECK(lines(diff) == Lines{"new process?", "new namespace?"});
    CHECK(diff.notes.size() == 2);
  }
}

TEST_CASE("a scope narrows what is compared, and a pair is in it with either end") {
  auto before = host(), after = host();
  before.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 100, 1));
  after.sockets.push_back(connection(40000, ip({10, 0, 0, 9}), 443, 100, 1));
  after.sockets[1].state = model::kStateCloseWait;
  after.processes.push_back(process(300, "miner"));
  after.processes.push_back(process(301, "holder"));
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 4444);
  listener.owners.push_back(owner(3, {3}));
  after.sockets.push_back(std::move(listener));
  model::Namespace netns;
  netns.inode = 5001;
  after.namespaces.push_back(netns);
  auto scope = analyze::whole_scope(before, after);
  scope.narrowed = scope.holders_only = true;
  CHECK(lines(analyze::diff_snapshots(before, after, scope)) == Lines{"new listener", "changed socket state ESTAB CLOSE-WAIT", "new process"});
  scope.sockets[kNew] = {false, false, true};
  scope.sockets[kOld] = {false, false};
  CHECK(lines(analyze::diff_snapshots(before, after, scope)) == Lines{"new listener", "new process"});
  scope.sockets[kOld] = {false, true};
  scope.sockets[kNew] = {false, false, false};
  CHECK(lines(analyze::diff_snapshots(before, after, scope)) == Lines{"changed socket state ESTAB CLOSE-WAIT"});
}

TEST_CASE("hostile repetition takes the time of sorting, and indexes that lead nowhere are passed over") {
  auto before = snapshot(), after = snapshot();
  for (int i = 0; i < 100'000; ++i) {
    before.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80));
    after.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), static_cast<std::uint16_t>(i)));
  }
  before.sockets[0].netns = 77;
  before.sockets[1].owners.push_back(owner(77, {1}));
  before.sockets[2].local.interface_index = 77;
  const auto diff = compare(before, after);
  CHECK(diff.items.size() > 100'000);
}

TEST_CASE("the order of the two is told") {
  const auto before = host();
  auto after = host();
  after.capture.begin_realtime_nsec = *before.capture.begin_realtime_nsec - 1;
  CHECK(compare(before, after).reversed);
}
