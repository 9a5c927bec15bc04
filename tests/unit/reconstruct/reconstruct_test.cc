#include <map>

#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using namespace std::string_literals;

TEST_CASE("a socket that several views and passes saw is one row") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 80, 1000, 7)));
  add_dump(records, list(tcp(10, 80, 1000, 7)), 2);
  add_proc_tcp(records, {row_of(tcp(10, 80, 1000, 0)), row_of(tcp(10, 80, 1000, 0))});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 1);
  CHECK(snapshot.sockets[0].sightings.size() == 5);
  CHECK(snapshot.sockets[0].cookie == 7);
}

TEST_CASE("sockets of the same address stay apart by inode, cookie and namespace") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(10, 80, 1001, 8)));          // SO_REUSEPORT
  add_dump(records, list(tcp(10, 80, 1002, 9)), 1, kNetns + 1);
  add_proc_tcp(records, {row_of(tcp(10, 80, 1001, 0))});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 3);
  CHECK(snapshot.namespaces.size() == 2);
  CHECK(snapshot.namespaces[0].own);
  CHECK(snapshot.sockets[1].inode == 1001);
  CHECK(snapshot.sockets[1].sightings.size() == 2);
}

TEST_CASE("a row of /proc/net is joined by its addresses where one view has no inode") {
  Records records = make_records();
  add_dump(records, list(tcp(6, 80, 0, 7, 5000), tcp(1, 80, 0, 8, 5001)));
  auto accepted = row_of(tcp(1, 80, 1005, 0, 5001));  // accepted between the dump and the read
  add_proc_tcp(records, {row_of(tcp(6, 80, 0, 0, 5000)), accepted, row_of(tcp(6, 80, 0, 0, 5002)),
                         row_of(tcp(6, 80, 0, 0, 5002))});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 3);
  CHECK(snapshot.sockets[0].peer.port == 5001);
  CHECK(snapshot.sockets[0].sightings.size() == 2);
  CHECK(snapshot.sockets[2].sightings.size() == 2);  // only /proc/net has it, twice
  CHECK_FALSE(snapshot.sockets[2].cookie);
}

TEST_CASE("TIME-WAIT has no owner, uid or queues, and its uid 0 is not root's") {
  Records records = make_records();
  add_dump(records, list(tcp(6, 80, 0, 7, 5000)));
  const auto snapshot = run(std::move(records));
  const auto& socket = snapshot.sockets.at(0);
  CHECK_FALSE(socket.inode);
  CHECK_FALSE(socket.uid);
  CHECK_FALSE(socket.recv_queue);
  REQUIRE(socket.ownerless_reason);
  CHECK(socket.ownerless_reason->code == model::OwnerlessCode::time_wait);
}

TEST_CASE("a bound TCP socket that netlink sends as CLOSE is BOUND-INACTIVE") {
  Records records = make_records();
  add_dump(records, list(tcp(7, 80, 1000, 7)));
  CHECK(run(std::move(records)).sockets.at(0).state == model::kStateBoundInactive);
}

TEST_CASE("DCCP's own two states follow TCP's, whose number depends on the kernel") {
  const auto state = [](const char* release, std::uint8_t number) {
    Records records = make_records();
    if (release != nullptr) records.host.kernel = release;
    add_dump(records, list(tcp(number, 80, 1000, 7, 81)));
    records.inet_dumps[0].dump.request_protocol = model::kProtocolDccp;
    return run(std::move(records)).sockets.at(0).state;
  };
  CHECK(state("3.10.0-1160.el7.x86_64", 12) == model::kStatePartopen);
  CHECK(state("3.10.0-1160.el7.x86_64", 13) == model::kStatePassiveCloseReq);
  CHECK(state("4.1.0", 13) == model::kStatePartopen);
  CHECK(state("6.7.12", 14) == model::kStatePassiveCloseReq);
  CHECK(state("6.8", 14) == model::kStatePartopen);
  CHECK(state("6.12.107+deb13-amd64", 15) == model::kStatePassiveCloseReq);
  CHECK(state("6.12.107+deb13-amd64", model::kStateEstab) == model::kStateEstab);
  for (const char* unknown : {static_cast<const char*>(nullptr), "", "six", "6.", ".8", "99999999999.1"}) CHECK(state(unknown, 13) == model::kStatePartopen);
}

TEST_CASE("a ping socket that shares a bucket with the other family's has one row more, and is one socket") {
  const auto row = [](std::uint32_t bucket, std::uint32_t inode, base::IpAddress local) {
    auto made = row_of(tcp(model::kStateUnconn, 77, inode, 0));
    made.slot = bucket;
    made.local = local;
    made.peer = {};
    made.peer.length = local.length;
    return made;
  };
  const auto none4 = ip4(0, 0, 0, 0), none6 = ip6_any();
  auto one6 = none6;
  one6.bytes[15] = 1;
  Records records = make_records();
  // As 6.18 lists 141 (IPv4), ::1 and 127.0.0.1 of one bucket; then one of each family in a bucket each; then two wildcards.
  records.proc_net_inet.push_back({{1, kNetns, 1}, model::View::proc_net_icmp, model::kFamilyInet, model::kProtocolIcmp,
                                   {row(61, 103, ip4(127, 0, 0, 1)), row(61, 102, none4), row(61, 101, ip4(127, 0, 0, 1)), row(62, 104, none4),
                                    row(64, 106, none4), row(64, 107, none4)}});
  records.proc_net_inet.push_back({{1, kNetns, 1}, model::View::proc_net_icmp6, model::kFamilyInet6, model::kProtocolIcmp6,
                                   {row(61, 102, one6), row(61, 101, none6), row(63, 105, none6), row(64, 107, none6)}});
  records.views[kNetns].insert({model::View::proc_net_icmp, model::kFamilyInet, model::kProtocolIcmp});
  records.views[kNetns].insert({model::View::proc_net_icmp6, model::kFamilyInet6, model::kProtocolIcmp6});
  records.netns_facts[kNetns].counters = {{"PING", 4}, {"PINGv6", 3}};
  const auto snapshot = run(std::move(records));
  std::map<std::uint64_t, std::uint16_t> families;
  for (const auto& socket : snapshot.sockets) {
    CHECK(families.emplace(*socket.inode, socket.family).second);
    CHECK(socket.sightings.size() == (*socket.inode == 101 || *socket.inode == 102 || *socket.inode == 107 ? 2 : 1));
  }
  const std::uint16_t in = model::kFamilyInet, in6 = model::kFamilyInet6;
  CHECK(families == std::map<std::uint64_t, std::uint16_t>{{101, in}, {102, in6}, {103, in}, {104, in}, {105, in6}, {106, in}, {107, in6}});
  REQUIRE(snapshot.account.size() == 2);
  for (const auto& line : snapshot.account) {
    INFO(line.table);
    CHECK(line.unexplained == 0);
    CHECK(line.explained.size() == 1);
    CHECK(line.listed == (line.table == "icmp" ? 6u : 4u));
  }
}

TEST_CASE("every holder and every fd is an owner, and the child inherited from its nearest holding ancestor") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {{1000, 3}, {1000, 9}});
  add_process(records, 60, 50, 200, {});           // between them, holds nothing
  add_process(records, 70, 60, 300, {{1000, 4}});
  add_process(records, 80, 70, 400, {{1000, 5}});
  const auto snapshot = run(std::move(records));
  const auto& owners = snapshot.sockets.at(0).owners;
  REQUIRE(owners.size() == 3);
  CHECK(owners[0].fds == std::vector<std::uint32_t>{3, 9});
  CHECK(owners[0].origin == model::Origin::creator);
  CHECK(owners[1].origin == model::Origin::inherited);
  CHECK(snapshot.processes.at(*owners[1].from).pid == 50);
  CHECK(snapshot.processes.at(*owners[2].from).pid == 70);
}

TEST_CASE("a parent that started after its child is another process: nothing is inherited from it") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 900, {{1000, 3}});
  add_process(records, 70, 50, 300, {{1000, 4}});
  const auto snapshot = run(std::move(records));
  for (const auto& owner : snapshot.sockets.at(0).owners) CHECK(owner.origin != model::Origin::inherited);
}

TEST_CASE("a forged process tree with a loop ends") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 60, 100, {});
  add_process(records, 60, 50, 100, {{1000, 3}});
  add_process(records, 70, 50, 100, {{1000, 3}});
  CHECK(run(std::move(records)).sockets.at(0).owners.size() == 2);
}

TEST_CASE("both ends of a connection know each other's processes, v4 and v4-mapped") {
  Records records = make_records();
  auto server = tcp(1, 80, 1001, 8, 5000);
  server.family = 10;
  server.local = mapped(127, 0, 0, 1);
  server.peer = mapped(127, 0, 0, 1);
  add_dump(records, list(std::move(server), tcp(1, 5000, 1002, 9, 80)));
  add_process(records, 50, 1, 100, {{1001, 3}});
  add_process(records, 60, 1, 100, {{1002, 4}});
  const auto snapshot = run(std::move(records));
  for (const auto& socket : snapshot.sockets)
    CHECK(model::peer_processes(snapshot, socket).processes == std::vector{socket.local.port == 80 ? 1u : 0u});
}

TEST_CASE("UNIX sockets: names, peers and pending clients") {
  Records records = make_records();
  decode::UnixDiagDump dump;
  const auto add = [&](std::uint8_t state, std::uint32_t inode, std::uint64_t cookie, const char* name,
                       std::optional<std::uint32_t> peer) {
    decode::UnixDiagRecord record;
    record.type = 1;
    record.state = state;
    record.inode = inode;
    record.cookie = cookie;
    if (name) record.name = name;
    record.peer_inode = peer;
    dump.rows.push_back(std::move(record));
  };
  add(10, 100, 1, "/run/s", std::nullopt);
  add(1, 0, 2, "/run/s", 102);     // not accepted yet
  add(1, 102, 3, nullptr, std::nullopt);
  add(1, 103, 4, nullptr, 104);
  add(1, 104, 5, nullptr, 103);
  dump.rows[4].name = "\0abc"s;
  records.unix_dumps.emplace_back(reconstruct::Origin{2, kNetns, 1}, std::move(dump));
  decode::ProcNetUnixRow pending;
  pending.type = 1;
  pending.socket_state = 3;
  pending.path = "/run/s";
  records.proc_net_unix.push_back({{3, kNetns, 1}, {pending}});
  add_process(records, 50, 1, 100, {{100, 3}});
  add_process(records, 60, 1, 100, {{104, 3}});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 5);
  for (const auto& socket : snapshot.sockets) {
    if (socket.cookie == 2) {
      CHECK(socket.sightings.size() == 2);
      REQUIRE(socket.owners.size() == 1);
      CHECK(socket.owners[0].via == model::Via::listener);
    }
    if (socket.cookie == 4) {
      CHECK(socket.peer_name->kind == model::UnixName::Kind::abstract_name);
      CHECK(socket.peer_name->bytes == "abc");
      const auto peers = model::peer_processes(snapshot, socket).processes;
      REQUIRE(peers.size() == 1);
      CHECK(snapshot.processes[peers[0]].pid == 60);
    }
  }
}

TEST_CASE("rows forged by a newline in an abstract name are not sockets") {
  Records records = make_records();
  decode::UnixDiagDump dump;
  decode::UnixDiagRecord record;
  record.type = 2;
  record.state = 7;
  record.inode = 100;
  record.cookie = 1;
  const std::string fake = "0000000000000000: 00000002 00000000 00010000 0001 01 666 /run/evil";
  record.name = "\0x\n"s + fake;
  dump.rows.push_back(std::move(record));
  records.unix_dumps.emplace_back(reconstruct::Origin{2, kNetns, 1}, std::move(dump));
  const std::string text = "Num       RefCount Protocol Flags    Type St Inode Path\n"
                           "0000000000000000: 00000002 00000000 00000000 0002 01   100 @x\n" + fake + "\n";
  records.proc_net_unix.push_back({{3, kNetns, 1}, decode::decode_proc_net_unix(text).rows});
  REQUIRE(records.proc_net_unix[0].rows.size() == 2);
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.sockets.size() == 1);
  REQUIRE(snapshot.problems.size() == 1);
  CHECK(snapshot.problems[0].message.find("forged") != std::string::npos);
}

TEST_CASE("rows of /proc/net are kept in the order of the file, and follow their sockets through the sort") {
  Records records = make_records();
  add_proc_tcp(records, {row_of(tcp(10, 90, 1001, 0)), row_of(tcp(10, 80, 1000, 0))});
  const auto snapshot = reconstruct::reconstruct(std::move(records), {.keep_proc_net_rows = true});
  REQUIRE(snapshot.proc_net_rows.size() == 2);
  CHECK(snapshot.sockets[snapshot.proc_net_rows[0].socket].local.port == 90);
  CHECK(snapshot.sockets[snapshot.proc_net_rows[1].socket].local.port == 80);
  CHECK(snapshot.sockets[0].local.port == 80);
}

TEST_CASE("dumps before and after the walk tell what came, went and stayed") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(1, 80, 1001, 8, 5000)));
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(1, 80, 1002, 9, 5001)), 2);
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 3);
  for (const auto& socket : snapshot.sockets) {
    const auto expected = socket.cookie == 7   ? model::Presence::throughout
                          : socket.cookie == 8 ? model::Presence::went
                                               : model::Presence::came;
    CHECK(socket.presence == expected);
    if (socket.cookie != 7) CHECK(socket.ownerless_reason->code == model::OwnerlessCode::gone);
  }
}

TEST_CASE("an empty dump tells as well that a socket came or went") {
  const bool came = GENERATE(false, true);
  Records records = make_records();
  add_dump(records, came ? list() : list(tcp(10, 80, 1000, 7)));
  add_dump(records, came ? list(tcp(10, 80, 1000, 7)) : list(), 2);
  for (auto& dump : records.inet_dumps) dump.dump.end.done = true;
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 1);
  CHECK(snapshot.sockets[0].presence == (came ? model::Presence::came : model::Presence::went));
  CHECK(snapshot.sockets[0].ownerless_reason->code == model::OwnerlessCode::gone);
}

TEST_CASE("a dump that was cut says nothing about what it does not show") {
  Records records = make_records();
  add_dump(records, list());
  add_dump(records, list(tcp(10, 80, 1000, 7)), 2);
  records.inet_dumps.back().dump.end.done = true;
  CHECK_FALSE(run(std::move(records)).sockets.at(0).presence);
}

TEST_CASE("one pass says nothing about coming and going") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  CHECK_FALSE(run(std::move(records)).sockets.at(0).presence);
}

TEST_CASE("a later pass has the last word on a socket's state") {
  Records records = make_records();
  add_dump(records, list(tcp(1, 80, 1001, 8, 5000)));
  add_dump(records, list(tcp(6, 80, 0, 8, 5000)), 2);
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 1);
  CHECK(snapshot.sockets[0].state == model::kStateTimeWait);
  CHECK_FALSE(snapshot.sockets[0].inode);
  CHECK(snapshot.sockets[0].sightings.size() == 2);
}

TEST_CASE("subflows of one MPTCP connection share an inode and stay apart by their addresses") {
  Records records = make_records();
  add_dump(records, list(tcp(1, 80, 1000, 7, 5000), tcp(1, 80, 1000, 8, 5001)));
  add_proc_tcp(records, {row_of(tcp(1, 80, 1000, 0, 5001)), row_of(tcp(1, 80, 1000, 0, 5000))});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 2);
  for (const auto& socket : snapshot.sockets) CHECK(socket.sightings.size() == 2);
}

TEST_CASE("netlink sockets come twice in a dump and once in an answer; /proc/net confirms them") {
  Records records = make_records();
  decode::NetlinkDiagDump dump;
  for (int i = 0; i < 2; ++i) {
    decode::NetlinkDiagRecord record;
    record.cookie = 1;
    record.inode = 5;
    record.port_id = 4711;
    record.groups = {1, 35};
    dump.rows.push_back(std::move(record));
  }
  records.netlink_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(dump));
  decode::ProcNetNetlinkRow row;
  row.port_id = 4711;
  row.inode = 5;
  records.proc_net_netlink.push_back({{1, kNetns, 1}, {row}});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 1);
  CHECK(snapshot.sockets[0].sightings.size() == 3);
  CHECK(snapshot.sockets[0].details->rare->groups == std::vector<std::uint32_t>{1, 35});
}

// As sctp_diag tells of it: with a list of peers, and in a state of its own.
decode::InetDiagRecord association(std::uint8_t state, std::uint16_t peer_port) {
  auto record = tcp(state, 80, 1000, 7, peer_port);
  record.attributes = std::make_unique<decode::InetDiagAttributes>();
  record.attributes->extras = std::make_unique<decode::InetDiagExtras>();
  record.attributes->extras->peers.emplace_back();
  return record;
}

TEST_CASE("the associations of one SCTP socket share its cookie and stay apart; /proc/net/sctp does without netlink") {
  Records records = make_records();
  SECTION("netlink") {
    add_dump(records, list(tcp(10, 80, 1000, 7), association(3, 5000), association(1, 5001)));
    records.inet_dumps.back().dump.request_protocol = model::kProtocolSctp;
    const auto snapshot = run(std::move(records));
    REQUIRE(snapshot.sockets.size() == 3);
    CHECK(snapshot.sockets[0].state == model::kStateEstab);
    CHECK(snapshot.sockets[1].state == model::kStateSynSent);
    CHECK(snapshot.sockets[2].state == model::kStateListen);
  }
  SECTION("a one-to-one socket comes before its association, in a state of TCP's") {
    for (const std::uint8_t socket_state : {model::kStateEstab, model::kStateClosing}) {
      Records both = make_records();
      add_dump(both, list(tcp(socket_state, 80, 1000, 7, 5000), association(3, 5000)));
      both.inet_dumps.back().dump.request_protocol = model::kProtocolSctp;
      const auto snapshot = run(std::move(both));
      REQUIRE(snapshot.sockets.size() == 1);
      CHECK(snapshot.sockets[0].state == model::kStateEstab);
      CHECK(snapshot.sockets[0].details->rare->further_peers.size() == 1);
    }
  }
  SECTION("a socket without association, as on its way to the end, is shown itself") {
    add_dump(records, list(tcp(model::kStateEstab, 80, 1000, 7, 5000), association(3, 5001)));
    records.inet_dumps.back().dump.request_protocol = model::kProtocolSctp;
    const auto snapshot = run(std::move(records));
    REQUIRE(snapshot.sockets.size() == 2);
    CHECK(snapshot.sockets[0].state == model::kStateEstab);
  }
  SECTION("procfs") {
    decode::ProcNetSctpEndpoint endpoint;
    endpoint.state = 10;
    endpoint.local_port = 80;
    endpoint.inode = 1000;
    endpoint.locals = {ip4(127, 0, 0, 1), ip4(127, 0, 0, 2)};
    records.proc_net_sctp_eps.push_back({{1, kNetns, 1}, {endpoint}});
    decode::ProcNetSctpAssociation listed;
    listed.state = 3;
    listed.local_port = 80;
    listed.peer_port = 5000;
    listed.inode = 1000;
    listed.locals = {ip4(127, 0, 0, 1)};
    listed.peers = {ip4(127, 0, 0, 1)};
    records.proc_net_sctp_assocs.push_back({{1, kNetns, 1}, {listed}});
    add_process(records, 50, 1, 100, {{1000, 3}});
    const auto snapshot = run(std::move(records));
    REQUIRE(snapshot.sockets.size() == 2);
    for (const auto& socket : snapshot.sockets) {
      CHECK(socket.protocol == model::kProtocolSctp);
      CHECK(socket.owners.size() == 1);
    }
  }
}

TEST_CASE("what a later dump says again is forgotten of the earlier one, and nothing else") {
  constexpr std::uint64_t kFar = 100;  // rows later than a row is looked for
  const auto row = [](std::uint64_t cookie, std::uint8_t family = 2) {
    auto record = tcp(1, 80, 1, cookie);
    record.family = family;
    record.attributes = std::make_unique<decode::InetDiagAttributes>();
    return record;
  };
  reconstruct::InetDump earlier;
  earlier.dump.request_protocol = model::kProtocolTcp;
  for (const std::uint64_t cookie : {1, 2, 3}) earlier.dump.rows.push_back(row(cookie));
  earlier.dump.rows.push_back(row(4, 10));
  for (std::uint64_t i = 0; i < kFar; ++i) earlier.dump.rows.push_back(row(1000 + i));
  earlier.dump.rows.push_back(row(5));
  for (std::size_t i = 0; i < earlier.dump.rows.size(); ++i) earlier.info.push_back({{"rtt", 0, i}});
  const auto kept = [&](std::size_t at) {
    CHECK((earlier.dump.rows[at].attributes != nullptr) == !earlier.info[at].empty());
    return earlier.dump.rows[at].attributes != nullptr;
  };

  // 1 and 3 come again; 9 is new; 4 has another family; 5 is too far.
  reconstruct::ForgetReplaced forget(earlier);
  decode::InetDiagDump later;
  later.request_protocol = GENERATE(model::kProtocolTcp, model::kProtocolUdp, model::kProtocolSctp);
  if (later.request_protocol == model::kProtocolSctp) earlier.dump.request_protocol = model::kProtocolSctp;
  for (const std::uint64_t cookie : {1, 9, 3, 4, 5}) {
    later.rows.push_back(row(cookie));
    forget(later);
  }
  const bool is_same_table = later.request_protocol == model::kProtocolTcp;
  CHECK(kept(0) == !is_same_table);
  CHECK(kept(1));
  CHECK(kept(2) == !is_same_table);
  CHECK(kept(3));
  CHECK(kept(4 + kFar));
}
