// The first dump of each table, as it was sent.
#include "records_builder.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using reconstruct::Records;

namespace {

model::Snapshot run_with_first_dump(Records records) {
  reconstruct::Options options;
  options.keep_first_dump = true;
  return reconstruct::reconstruct(std::move(records), options);
}

decode::DumpEnd ended(int errno_number = 0) {
  decode::DumpEnd end;
  end.done = true;
  end.errno_number = errno_number;
  return end;
}

}  // namespace

TEST_CASE("rows stand in the order of the first dump, with its values, tied to the sockets that the merge made") {
  auto records = make_records();
  auto later = tcp(model::kStateCloseWait, 80, 11, 1, 5000);
  later.recv_queue = 9;
  // The second pass may come first in the archive.
  add_dump(records, list(std::move(later), tcp(model::kStateListen, 81, 12, 3)), 2);
  add_dump(records, list(tcp(model::kStateListen, 90, 10, 2), tcp(model::kStateEstab, 80, 11, 1, 5000)), 1);
  records.inet_dumps.back().dump.end = ended();
  const auto snapshot = run_with_first_dump(std::move(records));
  const auto& rows = snapshot.first_dump->rows;
  REQUIRE(rows.size() == 2);
  CHECK((rows[0].local.port == 90 && rows[0].state == model::kStateListen && rows[0].inode == 10));
  CHECK((rows[1].local.port == 80 && rows[1].state == model::kStateEstab && rows[1].recv_queue == 0));
  REQUIRE(snapshot.sockets.size() == 3);
  for (const auto& row : rows) {
    REQUIRE(row.socket < snapshot.sockets.size());
    CHECK(snapshot.sockets[row.socket].cookie == row.cookie);
  }
  // The socket itself has what was said last.
  CHECK(snapshot.sockets[rows[1].socket].state == model::kStateCloseWait);
  CHECK(snapshot.first_dump->tables == std::set<model::DumpedTable>{{0, 2, 6}, {0, 10, 6}});
}

TEST_CASE("a table that could not be dumped is none that was dumped") {
  auto records = make_records();
  add_dump(records, {});
  records.inet_dumps.back().dump.request_family = 2;
  records.inet_dumps.back().dump.request_protocol = 255;
  records.inet_dumps.back().dump.end = ended(2);
  const auto snapshot = run_with_first_dump(std::move(records));
  CHECK(snapshot.first_dump->tables.empty());
  CHECK(snapshot.first_dump->rows.empty());
}

TEST_CASE("what the merge has no place for is kept beside the row") {
  auto records = make_records();
  auto record = tcp(model::kStateUnconn, 80, 0, 7);
  record.uid = 33;
  record.timer = 2;
  record.expires_msec = 1500;
  record.attributes = std::make_unique<decode::InetDiagAttributes>();
  record.attributes->meminfo = decode::InetDiagMeminfo{1, 2, 3, 4};
  record.attributes->protocol = 89;
  record.attributes->extras = std::make_unique<decode::InetDiagExtras>();
  auto& ulp = record.attributes->extras->ulp.emplace();
  ulp.name = "tls";
  ulp.tls.emplace().version = 0x0304;
  record.attributes->extras->md5_peers = {{2, 32, 5, ip4(192, 0, 2, 1), true}};
  add_dump(records, list(std::move(record)));

  decode::NetlinkDiagDump netlink;
  auto& subscriber = netlink.rows.emplace_back();
  subscriber.port_id = 42;
  subscriber.peer_group = 5;
  subscriber.cookie = 9;
  subscriber.groups = {{1, 5, 32, 33}};
  subscriber.skmeminfo = {100, 1, 200};
  // Subscribed sockets come twice, and are shown twice.
  auto twin = subscriber;
  netlink.rows.push_back(twin);
  netlink.end = ended();
  records.netlink_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(netlink));

  decode::UnixDiagDump unix_dump;
  auto& listener = unix_dump.rows.emplace_back();
  listener.type = 1;
  listener.state = model::kStateListen;
  listener.inode = 50;
  listener.cookie = 10;
  listener.name = std::string("\0a\0", 3);
  records.unix_dumps.emplace_back(reconstruct::Origin{2, kNetns, 1}, std::move(unix_dump));

  const auto snapshot = run_with_first_dump(std::move(records));
  const auto& rows = snapshot.first_dump->rows;
  REQUIRE(rows.size() == 4);
  // The state is the kernel's number: the socket's is told apart from a closed one's.
  CHECK(rows[0].state == model::kStateUnconn);
  CHECK(snapshot.sockets[rows[0].socket].state == model::kStateBoundInactive);
  CHECK((rows[0].uid == 33 && rows[0].timer == 2 && rows[0].expires_msec == 1500));
  CHECK(rows[0].attributes.meminfo == std::array<std::uint32_t, 4>{1, 2, 3, 4});
  CHECK(rows[0].attributes.ip_protocol == 89);
  CHECK(rows[0].attributes.ulp_name == "tls");
  CHECK(rows[0].attributes.tls->version == 0x0304);
  CHECK(rows[0].attributes.md5_peers->front().prefix_length == 32);
  CHECK(rows[1].attributes.unix_name == std::string("\0a\0", 3));
  CHECK(rows[1].attributes.has_pending_inodes);
  CHECK((rows[2].recv_queue == 100 && rows[2].send_queue == 200 && rows[2].attributes.peer_group == 5));
  CHECK(rows[2].attributes.first_groups == (1u | 1u << 4 | 1u << 31));
  CHECK((rows[3].cookie == rows[2].cookie && rows[3].socket == rows[2].socket));
}

TEST_CASE("a table without a dump comes from /proc/net, tied by inode or by its ends") {
  auto records = make_records();
  records.host.clk_tck = 100;
  auto listener = row_of(tcp(model::kStateListen, 80, 10, 0));
  listener.pointer = 0xabc;
  listener.tcp = decode::ProcNetInetRow::Tcp{20, 4, 30, 10, -1};
  auto closed = row_of(tcp(model::kStateTimeWait, 81, 0, 0, 5000));
  closed.timer = 3;
  closed.timer_expires_ticks = 5724;
  closed.timeout = 2;
  closed.retransmits = 7;
  add_proc_tcp(records, {closed, listener});
  decode::ProcNetUnixRow server, datagrams;
  server.type = 1;
  server.flags = 1u << 16;
  server.socket_state = 1;
  server.inode = 20;
  datagrams.type = 2;
  datagrams.socket_state = 1;
  datagrams.inode = 21;
  datagrams.pointer = 1;
  records.proc_net_unix.push_back({{3, kNetns, 1}, {server, datagrams}});

  const auto snapshot = run_with_first_dump(std::move(records));
  const auto& rows = snapshot.first_dump->rows;
  REQUIRE(rows.size() == 4);
  CHECK((rows[0].listed && rows[0].local.port == 81 && rows[0].expires_msec == 57240 && rows[0].retransmits == 2));
  CHECK_FALSE(rows[0].attributes.listed_tcp);
  CHECK((rows[1].cookie == 0xabc && rows[1].attributes.listed_tcp->cwnd == 10));
  CHECK(rows[2].state == model::kStateListen);
  CHECK(rows[3].state == model::kStateEstab);
  for (const auto& row : rows) {
    REQUIRE(row.socket < snapshot.sockets.size());
    CHECK(snapshot.sockets[row.socket].inode.value_or(0) == row.inode);
    CHECK(snapshot.sockets[row.socket].local.port == row.local.port);
  }
}

TEST_CASE("a table that was dumped is not taken from /proc/net") {
  auto records = make_records();
  add_dump(records, list(tcp(model::kStateListen, 80, 10, 1)));
  records.inet_dumps.back().dump.end = ended();
  add_proc_tcp(records, {row_of(tcp(model::kStateListen, 80, 10, 0)), row_of(tcp(model::kStateListen, 81, 11, 0))});
  const auto snapshot = run_with_first_dump(std::move(records));
  REQUIRE(snapshot.first_dump->rows.size() == 1);
  CHECK_FALSE(snapshot.first_dump->rows[0].listed);
}

TEST_CASE("without being asked for nothing is kept") {
  auto records = make_records();
  add_dump(records, list(tcp(model::kStateListen, 90, 10, 2)));
  CHECK(run(std::move(records)).first_dump == nullptr);
}
