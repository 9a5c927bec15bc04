#include "analyze/findings.h"

#include <set>

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using model::Socket;
using test::ip;

namespace {

constexpr std::uint16_t kPort = 4711;

model::Owner held(std::uint32_t process, std::vector<std::uint32_t> fds, model::Via via = model::Via::fd) {
  auto owner = test::owner(process, std::move(fds));
  owner.via = via;
  return owner;
}

Socket tcp(std::uint8_t state, std::vector<int> local = {10, 0, 0, 5}) {
  auto socket = test::inet_socket(model::kProtocolTcp, state, ip(std::move(local)), kPort);
  if (state != model::kStateListen) socket.peer = {ip({10, 9, 9, 9}), 443, 0, {}};
  socket.details = std::make_unique<model::SocketDetails>();
  socket.details->skmeminfo = {0, 0, 0, 0, 0, 0, 0, 0, 0};
  return socket;
}

// Processes 0 to 3: init, a shell, a daemon, and its child.
struct World {
  model::Snapshot snapshot = test::snapshot();

  World() {
    auto& processes = snapshot.processes;
    processes.push_back(test::process(1, "init", 0));
    processes.push_back(test::process(10, "sh"));
    processes.push_back(test::process(20, "daemon"));
    processes.push_back(test::process(21, "child", 20));
    for (auto& process : processes) {
      process.exe = "/usr/bin/" + process.comm;
      process.namespaces["net"] = snapshot.namespaces[0].inode;
    }
    snapshot.namespaces[0].local_ports = model::PortRange{32768, 60999};
    for (const auto* table : {"tcp", "packet", "raw"}) {
      auto& line = snapshot.account.emplace_back();
      line.table = table;
      line.dumped = line.listed = 0;
    }
  }

  Socket& add(Socket socket) {
    snapshot.sockets.push_back(std::move(socket));
    return snapshot.sockets.back();
  }
  Socket& add(Socket socket, model::Owner owner) {
    socket.owners.push_back(std::move(owner));
    return add(std::move(socket));
  }

  model::Findings findings(std::string_view rules) const {
    return analyze::find_all(snapshot, *analyze::choose_rules(rules), std::vector<bool>(snapshot.sockets.size(), true));
  }
  std::size_t found(std::string_view rule) const { return findings(rule).findings.size(); }
  std::string sentence(std::string_view rule) const {
    const auto all = findings(rule);
    return all.findings.size() == 1 ? all.findings[0].sentence : std::to_string(all.findings.size()) + " findings";
  }
  std::size_t unchecked(std::string_view rule) const { return findings(rule).unchecked.size(); }
};

}  // namespace

TEST_CASE("each rule has an id of its own and a place by its severity") {
  std::set<std::string_view> ids;
  for (const auto& rule : analyze::rules()) {
    CHECK(ids.insert(rule.id).second);
    CHECK_FALSE(rule.id.starts_with("no-"));
    CHECK_FALSE(rule.title.empty());
  }
}

TEST_CASE("rules are chosen by id") {
  const auto chosen = [](std::string_view list) {
    const auto all = analyze::choose_rules(list);
    return all.has_error() ? -1 : static_cast<int>(std::count(all->begin(), all->end(), true));
  };
  const int all = static_cast<int>(analyze::rules().size());
  CHECK(chosen("") == all);
  CHECK(chosen("drops") == 1);
  CHECK(chosen("drops,orphans") == 2);
  CHECK(chosen("no-drops,orphans") == all - 2);
  CHECK(chosen("no-drops,no-orphans") == all - 2);
  for (const auto* wrong : {"drop", "drops,", ",drops", "no-", "drops,no-orphans"}) CHECK(chosen(wrong) == -1);
}

TEST_CASE("nothing stands out in an empty snapshot") { CHECK(World().findings("").findings.empty()); }

TEST_CASE("a shell on an internet socket") {
  World world;
  world.add(tcp(model::kStateEstab), held(1, {0, 1, 2}));
  CHECK(world.sentence("shell-on-socket") ==
        "sh[10] of root (uid 0), an interpreter, reads its standard input from tcp 10.0.0.5:4711 -> 10.9.9.9:443 and writes its output to it");
  const auto finding = world.findings("shell-on-socket").findings[0];
  CHECK(finding.processes == std::vector<std::uint32_t>{1});
  REQUIRE(finding.evidence.size() == 3);
  CHECK(finding.evidence[0].member == "proc/10/fds");
  CHECK(finding.evidence[0].part == "0");
  CHECK(finding.evidence[2].member == "proc/10/links");

  auto& socket = world.snapshot.sockets[0];
  socket.owners[0].fds = {0, 3};  // its input alone
  CHECK(world.found("shell-on-socket") == 0);
  socket.owners[0].fds = {3, 4};
  CHECK(world.found("shell-on-socket") == 0);
  socket.owners[0] = held(2, {0, 1});  // no interpreter
  CHECK(world.found("shell-on-socket") == 0);
  world.snapshot.processes[2].exe = "/usr/bin/python3.11 (deleted)";
  CHECK(world.found("shell-on-socket") == 1);
  socket.family = model::kFamilyUnix;
  CHECK(world.found("shell-on-socket") == 0);
}

TEST_CASE("where an executable lies") {
  World world;
  world.add(tcp(model::kStateEstab), held(2, {3}));
  auto& process = world.snapshot.processes[2];
  struct Case {
    std::string exe;
    bool deleted, memfd;
    std::size_t temporary, gone;
  };
  for (const auto& one : {Case{"/usr/sbin/d", false, false, 0, 0}, Case{"/usr/sbin/d (deleted)", true, false, 0, 1}, Case{"/tmp/d", false, false, 1, 0},
                          Case{"/tmp/d (deleted)", true, false, 1, 0}, Case{"/memfd:x (deleted)", true, true, 1, 0}, Case{"/tmpfs/d", false, false, 0, 0},
                          Case{"/run/user/1000/d", false, false, 1, 0}, Case{"/dev/shm/d", false, false, 1, 0}, Case{"/run/d", false, false, 0, 0}}) {
    INFO(one.exe);
    process.exe = one.exe;
    process.exe_deleted = one.deleted;
    process.exe_memfd = one.memfd;
    CHECK(world.found("temporary-executable") == one.temporary);
    CHECK(world.found("deleted-executable") == one.gone);
  }
  // A daemon that was upgraded and listens has no connection.
  process.exe = "/usr/sbin/d (deleted)", process.exe_deleted = true, process.exe_memfd = false;
  world.snapshot.sockets[0].state = model::kStateListen;
  CHECK(world.found("deleted-executable") == 0);
}

TEST_CASE("a name of a kernel thread") {
  World world;
  world.add(tcp(model::kStateListen), held(2, {3}));
  auto& process = world.snapshot.processes[2];
  const auto found = [&](const std::string& comm, const std::string& command) {
    process.comm = comm;
    process.cmdline = std::vector<std::string>{command};
    return world.found("kernel-thread-name");
  };
  CHECK(found("kworker/0:1", "kworker/0:1") == 1);
  CHECK(found("x", "[kworker/0:1-events]") == 1);
  CHECK(found("rcu_preempt", "x") == 1);
  CHECK(found("daemon", "[lxc monitor] /var/lib/lxc web") == 0);
  CHECK(found("(sd-pam)", "(sd-pam)") == 0);
  CHECK(found("[", "[") == 0);
  CHECK(found("kworker", "") == 0);
  CHECK(found("kswapd0-like", "x") == 0);
  CHECK(found("kworker/0:1", "") == 1);
  process.kernel_thread = true;
  CHECK(world.found("kernel-thread-name") == 0);
}

TEST_CASE("packet sockets, their filters and magic values") {
  World world;
  Socket socket;
  socket.family = model::kFamilyPacket;
  socket.protocol = 3;
  socket.local.interface_index = 2;
  socket.details = std::make_unique<model::SocketDetails>();
  socket.details->packet = std::make_unique<model::PacketDetails>();
  socket.details->packet->ethertype = 3;
  auto& added = world.add(std::move(socket), held(2, {3}));
  added.sightings.push_back({model::View::packet_diag, 1, 0, 100});
  world.snapshot.members = {"netns/1/netlink/pass1/packet_diag.pcap"};
  auto& packet = *added.details->packet;
  CHECK(world.sentence("packet-socket") ==
        "daemon[20] of root (uid 0) reads packets of eth0, not promiscuous, without a classic filter; its process began at 2026-11-21T19:40:20Z");
  CHECK(world.findings("packet-socket").findings[0].evidence[0].offset == 100);
  CHECK(world.unchecked("packet-socket") == 0);

  packet.memberships.push_back({2, 1, 1, ""});
  packet.filter = {{0x28, 0, 0, 12}, {0x15, 0, 1, 0x806}, {6, 0, 0, 1}, {6, 0, 0, 0}};
  CHECK(world.sentence("packet-socket").find("promiscuous on eth0, with a filter of 4 instructions that lets pass: arp;") != std::string::npos);
  CHECK(world.found("magic-filter") == 0);

  packet.ethertype = 0x800;
  packet.filter = {{0xb1, 0, 0, 14}, {0x48, 0, 0, 22}, {0x15, 0, 1, 0x7255}, {6, 0, 0, 1}, {6, 0, 0, 0}};
  CHECK(world.sentence("magic-filter") == "daemon[20] of root (uid 0) waits on eth0 for packets with 0x7255 at byte 8 after the IP header; its filter lets pass: "
                                          "magic 0x7255 at byte 8 after the IP header");
  CHECK(world.findings("magic-filter").findings[0].details.size() == 5);

  packet.filter = {{0x28, 0, 0, 12}};
  const auto broken = world.findings("packet-socket").findings[0];
  CHECK(broken.sentence.find("can't be put into words (it leads past its end)") != std::string::npos);
  CHECK(broken.details == std::vector<std::string>{"(000) ldh      [12]"});
  CHECK(world.found("magic-filter") == 0);

  // There is a filter, and the collector was not allowed to see it.
  packet.filter->clear();
  CHECK(world.found("magic-filter") == 0);
  CHECK(world.unchecked("magic-filter") == 1);
  // Known from /proc/net alone.
  added.details->packet.reset();
  added.sightings[0].view = model::View::proc_net_packet;
  CHECK(world.unchecked("magic-filter") == 1);
  CHECK(world.unchecked("packet-socket") == 1);
}

TEST_CASE("raw sockets") {
  World world;
  world.add(test::inet_socket(model::kProtocolTcp, model::kStateUnconn, test::any_v4(), 0));
  CHECK(world.found("raw-socket") == 0);
  auto raw = test::inet_socket(model::kProtocolRaw, model::kStateUnconn, test::any_v4(), 0);
  raw.details = std::make_unique<model::SocketDetails>();
  raw.details->raw_protocol = 1;
  world.add(std::move(raw), held(2, {3}));
  CHECK(world.sentence("raw-socket") == "daemon[20] of root (uid 0) has the socket raw 0.0.0.0, which receives icmp");
}

TEST_CASE("listeners that can be reached from everywhere") {
  World world;
  world.add(tcp(model::kStateListen, {127, 0, 0, 1}), held(2, {3}));
  world.add(tcp(model::kStateListen), held(2, {4}));
  world.add(test::inet_socket(model::kProtocolUdp, model::kStateEstab, test::any_v4(), 53), held(2, {5}));
  auto& on_lo = world.add(tcp(model::kStateListen, {0, 0, 0, 0}), held(2, {6}));
  on_lo.local.interface_index = 1;
  CHECK(world.found("open-listener") == 0);
  auto& process = world.snapshot.processes[2];
  process.uid = process.euid = 33;
  process.unit = "web.service";
  process.container = model::Container{"docker", "0123456789abcdef0123"};
  world.add(test::inet_socket(model::kProtocolTcp, model::kStateListen, test::any_v6(), 80), held(2, {7}));
  CHECK(world.sentence("open-listener") ==
        "tcp [::]:80 can be reached from everywhere; it is held by daemon[20] of www-data (uid 33), docker 0123456789ab, unit web.service");
}

TEST_CASE("a listener of processes that are no kin") {
  World world;
  auto& socket = world.add(tcp(model::kStateListen), test::created(2, {3}));
  socket.owners.push_back(test::inherited(3, {3}, 2));
  CHECK(world.found("shared-listener") == 0);
  socket.owners.insert(socket.owners.begin(), held(1, {9}));
  CHECK(world.sentence("shared-listener") ==
        "tcp 10.0.0.5:4711 is held by daemon[20] of root (uid 0) and also by sh[10] of root (uid 0), which is no child of it");
  // Workers whose parent has ended: how they came by it is known.
  socket.owners[0].origin = model::Origin::inherited;
  CHECK(world.found("shared-listener") == 0);
  // A service manager that keeps the descriptor of its service.
  socket.owners[0] = held(0, {9});
  CHECK(world.found("shared-listener") == 0);
}

TEST_CASE("a namespace without a process") {
  World world;
  auto& snapshot = world.snapshot;
  snapshot.namespaces.push_back({4026532000, "blue", "mounted on /run/netns/blue", false, false});
  auto& socket = world.add(tcp(model::kStateListen), held(2, {3}));
  socket.netns = 1;
  CHECK(world.found("namespace-without-process") == 1);
  socket.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::kernel, "nfsd", {}, 0};
  CHECK(world.found("namespace-without-process") == 0);
  socket.ownerless_reason.reset();
  snapshot.namespaces[1].how = "thread 22 of process 20";
  CHECK(world.found("namespace-without-process") == 0);
  snapshot.namespaces[1].how = "mounted on /run/netns/blue";
  snapshot.processes[3].namespaces["net"] = 4026532000;
  CHECK(world.found("namespace-without-process") == 0);
  snapshot.processes[3].namespaces.clear();
  CHECK(world.found("namespace-without-process") == 1);
  CHECK(world.unchecked("namespace-without-process") == 1);
}

TEST_CASE("a socket that is held without a descriptor") {
  World world;
  auto& socket = world.add(tcp(model::kStateListen), held(2, {5}, model::Via::io_uring));
  CHECK(world.sentence("held-without-fd") ==
        "tcp 10.0.0.5:4711 has no descriptor anywhere; daemon[20] of root (uid 0) keeps it as a registered file of an io_uring, fd 5");
  CHECK(world.findings("held-without-fd").findings[0].evidence.back().member == "proc/20/fdinfo/5");
  socket.owners.push_back(held(3, {7}));
  CHECK(world.found("held-without-fd") == 0);
  socket.owners = {};
  socket.owners.push_back(held(2, {}, model::Via::listener));  // waits to be accepted
  CHECK(world.found("held-without-fd") == 0);
  socket.owners[0] = held(2, {4}, model::Via::in_flight);
  socket.owners[0].certainty = model::Certainty::possible;
  CHECK(world.found("held-without-fd") == 1);
}

TEST_CASE("queues, drops and retransmissions") {
  World world;
  auto& listener = world.add(tcp(model::kStateListen), held(2, {3}));
  listener.recv_queue = 8, listener.send_queue = 8;  // one more has room
  CHECK(world.found("full-accept-queue") == 0);
  listener.recv_queue = 9;
  CHECK(world.found("full-accept-queue") == 1);
  listener.send_queue.reset();
  CHECK(world.found("full-accept-queue") == 0);
  CHECK(world.unchecked("full-accept-queue") == 1);

  CHECK(world.found("drops") == 0);
  world.snapshot.sockets[0].details->skmeminfo[8] = 1;
  CHECK(world.found("drops") == 1);
  world.snapshot.sockets[0].details->skmeminfo.clear();
  CHECK(world.unchecked("drops") == 1);

  auto& sender = world.add(tcp(model::kStateEstab), held(2, {4}));
  sender.timer = model::Timer{1, 200, 3};
  CHECK(world.found("retransmissions") == 0);
  sender.timer->retransmits = 4;
  CHECK(world.found("retransmissions") == 1);
  sender.timer->number = 2;  // keepalive
  CHECK(world.found("retransmissions") == 0);
  sender.details->info = {{"tcpi_total_retrans", 0, 100}, {"tcpi_segs_out", 4, 1001}};
  CHECK(world.found("retransmissions") == 1);
  sender.details->info = {{"tcpi_total_retrans", 0, 100}, {"tcpi_segs_out", 4, 1100}};
  CHECK(world.found("retransmissions") == 0);
  world.snapshot.account.clear();
  CHECK(world.unchecked("retransmissions") == 1);
}

TEST_CASE("many of one kind") {
  World world;
  for (int i = 0; i < 15; ++i) world.add(tcp(model::kStateCloseWait), held(2, {3}));
  CHECK(world.found("close-wait") == 0);
  world.add(tcp(model::kStateCloseWait), held(2, {3}));
  CHECK(world.found("close-wait") == 1);
  world.snapshot.sockets.resize(3);
  for (auto& socket : world.snapshot.sockets) socket.details->info = {{"tcpi_last_ack_recv", 0, 60'000}};
  CHECK(world.found("close-wait") == 0);
  world.add(tcp(model::kStateCloseWait), held(2, {3})).details->info = {{"tcpi_last_ack_recv", 0, 7'200'000}};
  CHECK(world.sentence("close-wait").find("for 7200 s") != std::string::npos);

  World orphans;
  for (int i = 0; i < 63; ++i) orphans.add(tcp(model::kStateFinWait1)).ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::orphan, "", {}, 0};
  CHECK(orphans.found("orphans") == 0);
  orphans.add(tcp(model::kStateFinWait1)).ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::orphan, "", {}, 0};
  CHECK(orphans.found("orphans") == 1);
}

TEST_CASE("local ports close to exhaustion") {
  World world;
  world.snapshot.namespaces[0].local_ports = model::PortRange{1000, 1009};
  const auto connect = [&](std::uint16_t port, std::vector<int> peer) {
    auto& socket = world.add(tcp(model::kStateEstab));
    socket.local.port = port;
    socket.peer.address = ip(std::move(peer));
  };
  for (std::uint16_t port = 1000; port < 1007; ++port) connect(port, {10, 9, 9, 9});
  connect(1000, {10, 9, 9, 9});  // the same again
  for (std::uint16_t port = 1007; port < 1010; ++port) connect(port, {10, 9, 9, 8});  // to another peer
  connect(999, {10, 9, 9, 9});
  CHECK(world.found("ephemeral-ports") == 0);
  connect(1009, {10, 9, 9, 9});
  CHECK(world.sentence("ephemeral-ports") ==
        "8 of the 10 local tcp ports that the kernel chooses from (1000 to 1009) are in use from 10.0.0.5 to 10.9.9.9 port 443");
  world.snapshot.namespaces[0].local_ports.reset();
  CHECK(world.found("ephemeral-ports") == 0);
  CHECK(world.unchecked("ephemeral-ports") == 1);
}

TEST_CASE("a finding counts if one of its sockets is selected") {
  World world;
  world.add(tcp(model::kStateListen, {0, 0, 0, 0}), held(2, {3}));
  world.add(tcp(model::kStateListen, {0, 0, 0, 0}), held(2, {4}));
  const auto all = analyze::choose_rules("open-listener");
  CHECK(analyze::find_all(world.snapshot, *all, {true, true}).findings.size() == 2);
  CHECK(analyze::find_all(world.snapshot, *all, {false, true}).findings.size() == 1);
  CHECK(analyze::find_all(world.snapshot, *all, {false, false}).findings.empty());
}

TEST_CASE("what is missing is admitted") {
  World world;
  for (const auto& rule : analyze::rules()) CHECK(world.unchecked(rule.id) == 0);
  world.snapshot.processes[0].fds_readable = false;
  CHECK(world.findings("shell-on-socket").unchecked.at(0).reason == "the descriptors of 1 process could not be read: init[1]");
  CHECK(world.unchecked("packet-socket") == 0);
  world.snapshot.processes[0].fds_readable = true;
  world.add(tcp(model::kStateEstab), held(2, {3}));
  world.snapshot.processes[2].exe.reset();
  CHECK(world.findings("temporary-executable").unchecked.at(0).reason == "the executable of 1 process could not be read: daemon[20]");
  world.snapshot.account.clear();
  CHECK(world.unchecked("packet-socket") == 1);
  CHECK(world.unchecked("raw-socket") == 1);
  world.snapshot.capture.incomplete = true;
  for (const auto& rule : analyze::rules()) CHECK(world.unchecked(rule.id) >= 1);
}
