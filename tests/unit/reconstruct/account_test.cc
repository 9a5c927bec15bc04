// The account, and the namespaces that it is drawn up for.
#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using namespace std::string_literals;

TEST_CASE("the account balances, explains, or admits that it can't") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(7, 81, 1001, 8), tcp(6, 80, 0, 9, 5000)));
  add_proc_tcp(records, {row_of(tcp(10, 80, 1000, 0)), row_of(tcp(6, 80, 0, 0, 5000))});
  records.netns_facts[kNetns].counters["TCP.inuse"] = 1;
  SECTION("quiet: the bound socket is explained") {
    // Both passes alike, or the table would count as moving.
    add_dump(records, list(tcp(10, 80, 1000, 7), tcp(7, 81, 1001, 8), tcp(6, 80, 0, 9, 5000)), 2);
    const auto snapshot = run(std::move(records));
    REQUIRE(snapshot.account.size() == 2);  // tcp and tcp6
    const auto& line = snapshot.account[0];
    CHECK(line.table == "tcp");
    CHECK(line.dumped == 3);
    CHECK(line.listed == 2);
    CHECK(line.both == 2);
    CHECK(line.counter == 1);
    CHECK(line.countable == 1);
    REQUIRE(line.explained.size() == 1);
    CHECK(line.explained[0].starts_with("1 bound"));
    CHECK(line.unexplained == 0);
  }
  SECTION("a row that only one view has, and a counter that differs, are not explained away") {
    add_dump(records, list(tcp(10, 80, 1000, 7), tcp(7, 81, 1001, 8), tcp(6, 80, 0, 9, 5000)), 2);
    records.proc_net_inet[0].rows.push_back(row_of(tcp(10, 99, 1009, 0)));
    records.netns_facts[kNetns].counters["TCP.inuse"] = 5;
    const auto snapshot = run(std::move(records));
    CHECK(snapshot.account[0].unexplained == 1 + 3);
  }
  SECTION("of a moving table they are explained by its motion") {
    add_dump(records, list(tcp(10, 80, 1000, 7)), 2);
    records.proc_net_inet[0].rows.push_back(row_of(tcp(10, 99, 1009, 0)));
    const auto snapshot = run(std::move(records));
    CHECK(snapshot.account[0].unexplained == 0);
    CHECK(snapshot.account[0].explained.size() >= 2);
  }
}

TEST_CASE("what the kernel counts is told by more than the state") {
  const auto rows = [] {
    // An orphan in FIN-WAIT-2 that is a time-wait entry, one whose process still has it; one that opened while its peer
    // did, and a request.
    auto all = list(tcp(10, 80, 1000, 7), tcp(5, 80, 0, 8, 5000), tcp(5, 80, 1001, 9, 5001), tcp(3, 81, 1002, 10, 5002),
                    tcp(3, 80, 0, 11, 5003));
    all[1].timer = 3;
    return all;
  };
  Records records = make_records();
  std::vector<decode::ProcNetInetRow> listed;
  for (const auto& row : rows()) listed.push_back(row_of(row));
  add_proc_tcp(records, std::move(listed));
  add_dump(records, rows());
  add_dump(records, rows(), 2);
  records.netns_facts[kNetns].counters["TCP.inuse"] = 3;
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.account[0].countable == 3);
  CHECK(snapshot.account[0].unexplained == 0);
}

TEST_CASE("sockets in fd tables and in no table are named, explained, or admitted") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {{1000, 3}, {2000, 4}, {2001, 5}, {2002, 6}, {2003, 7}});
  records.members.push_back("sockprotonames/pass3");
  base::Problems problems;
  reconstruct::add_sockprotonames(records, {4, 0, 3},
                                  "2000 50 4 held TCP\0" "2001 50 5 held AF_VSOCK\0" "2002 50 6 gone \0" "x\0"s, problems);
  CHECK(problems.total == 1);
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 3);  // the listener, and the two that only their fds show
  const auto& unknown = snapshot.sockets[2];
  CHECK(snapshot.namespaces.at(unknown.netns).unknown);  // the table of its holder's namespace doesn't have it
  CHECK(snapshot.namespaces.at(unknown.netns).name == "unknown");
  CHECK(unknown.protocol == model::kProtocolTcp);
  CHECK(unknown.state == model::kStateUnconn);
  CHECK(unknown.owners.at(0).fds == std::vector<std::uint32_t>{4});
  CHECK_FALSE(unknown.ownerless_reason);
  const auto& vsock = snapshot.sockets[1];
  CHECK(vsock.family == model::kFamilyVsock);
  CHECK(vsock.sightings[0].view == model::View::sockprotoname);
  CHECK(vsock.state == model::kStateUnknown);
  CHECK(snapshot.namespaces.at(vsock.netns).own);  // no table there that could have it
  REQUIRE(vsock.owners.size() == 1);
  CHECK(snapshot.held.inodes == 5);
  CHECK(snapshot.held.in_tables == 1);
  CHECK(snapshot.held.explained.size() == 3);
  CHECK(snapshot.held.unexplained == 1);  // 2003: nobody asked for its name
  CHECK(snapshot.gaps.empty());
}

TEST_CASE("a name that is not known stays a gap, one that is always listed is in another namespace") {
  Records records = make_records();
  records.views[kNetns] = {{model::View::unix_diag, model::kFamilyUnix, 0}};
  add_process(records, 50, 1, 100, {{2000, 4}, {2001, 5}, {2002, 6}});
  base::Problems problems;
  reconstruct::add_sockprotonames(
      records, {0, 0, 3}, "2000 50 4 held LATER\0" "2001 50 5 held UNIX-STREAM\0" "2001 50 5 held UNIX-STREAM\0" "2002 50 6 held \0"s,
      problems);
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 1);
  CHECK(snapshot.sockets[0].protocol == model::kSocketStream);
  CHECK(snapshot.namespaces.at(snapshot.sockets[0].netns).unknown);
  CHECK(snapshot.held.explained == std::vector<std::string>{"1 LATER: a protocol without a table that is known",
                                                            "1 UNIX-STREAM, in a namespace that only they pin"});
  CHECK(snapshot.held.unexplained == 1);
  REQUIRE(snapshot.gaps.size() == 2);
  CHECK(snapshot.gaps[0].pid == 50);
  CHECK(snapshot.gaps[0].detail.starts_with("LATER, fd 4"));
}

TEST_CASE("where only the collector's namespace was read, a socket of another is a gap") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {{2000, 4}});
  model::Gap gap;
  gap.source = "netns_list";
  gap.kind = base::OutcomeKind::skipped;
  records.gaps.push_back(gap);
  base::Problems problems;
  reconstruct::add_sockprotonames(records, {0, 0, 3}, "2000 50 4 held TCP\0"s, problems);
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.sockets.size() == 1);
  REQUIRE(snapshot.gaps.size() == 2);
  CHECK(snapshot.gaps[1].detail.starts_with("TCP, fd 4"));
}

TEST_CASE("namespaces are named by their mount, their container, else their first process") {
  Records records = make_records();
  add_process(records, 10, 1, 100, {});
  records.processes[10].namespaces["net"] = kNetns + 1;
  add_process(records, 11, 1, 100, {});
  records.processes[11].namespaces["net"] = kNetns + 2;
  records.processes[11].cgroup = "/system.slice/docker-" + std::string(64, 'a') + ".scope";
  records.netns_pins.push_back({kNetns + 3, 10, "/run/netns/blue", 0, 0});
  records.netns_pins.push_back({kNetns + 4, 10, "", 7, 0});
  records.netns_pins.push_back({kNetns + 5, 10, "", 0, 77});
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.namespaces.size() == 6);
  const auto named = [&](std::uint64_t inode) {
    for (const auto& netns : snapshot.namespaces)
      if (netns.inode == inode) return netns;
    return model::Namespace{};
  };
  CHECK(named(kNetns).own);
  CHECK(named(kNetns).name.empty());
  CHECK(named(kNetns + 1).name == "p10");
  CHECK(named(kNetns + 1).how == "process 10 (p10)");
  CHECK(named(kNetns + 2).name == std::string(12, 'a'));
  CHECK(named(kNetns + 3).name == "blue");
  CHECK(named(kNetns + 3).how == "mounted on /run/netns/blue");
  CHECK(named(kNetns + 4).how == "fd 7 of process 10");
  CHECK(named(kNetns + 5).how == "thread 77 of process 10");
}

TEST_CASE("the collector's own netlink sockets don't make the table look moving") {
  Records records = make_records();
  const auto dump_of = [](std::vector<std::pair<std::uint32_t, std::uint32_t>> inodes_and_ports) {
    decode::NetlinkDiagDump dump;
    for (const auto& [inode, port] : inodes_and_ports) {
      decode::NetlinkDiagRecord record;
      record.protocol = 4;
      record.cookie = record.inode = inode;
      record.port_id = port;
      dump.rows.push_back(std::move(record));
    }
    return dump;
  };
  const auto add = [&](int pass, decode::NetlinkDiagDump dump) {
    dump.end.port_id = 4711 + static_cast<std::uint32_t>(pass);
    reconstruct::add_collector_port(records, kNetns, dump.end);
    records.netlink_dumps.emplace_back(reconstruct::Origin{0, kNetns, pass}, std::move(dump));
  };
  add(1, dump_of({{5, 100}, {6, 4712}}));
  add(2, dump_of({{5, 100}, {7, 4713}}));
  records.views[kNetns] = {{model::View::netlink_diag, 16, 0}, {model::View::proc_net_netlink, 16, 0}};
  std::size_t missing = 0;
  SECTION("balanced") {
    decode::ProcNetNetlinkRow row;
    row.protocol = 4;
    row.port_id = 100;
    row.inode = 5;
    records.proc_net_netlink.push_back({{1, kNetns, 1}, {row}});
  }
  SECTION("a row that /proc/net lacks is not explained away by them") { missing = 1; }
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.account.size() == 1);
  CHECK(snapshot.account[0].explained == std::vector<std::string>{"2 the collector's own, which asked for the tables"});
  CHECK(snapshot.account[0].unexplained == missing);
}
