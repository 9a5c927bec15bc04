// Why a socket has no certain owner: each reason, and which comes before which.
#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using namespace std::string_literals;
using model::OwnerlessCode;

namespace {

decode::RtLink rt_link(const std::string& kind, const std::string& name, std::optional<std::uint16_t> port = {},
                    std::optional<std::int32_t> made_in = {}) {
  decode::RtLink link;
  link.index = 5;
  link.kind = kind;
  link.name = name;
  link.tunnel_port = port;
  link.link_netns_id = made_in;
  return link;
}

}  // namespace

TEST_CASE("no owner is said to be unreadable only where some process could not be read") {
  for (const bool readable : {true, false}) {
    Records records = make_records();
    add_dump(records, list(tcp(10, 80, 1000, 7)));
    add_process(records, 50, 1, 100, {});
    if (!readable) records.processes[50].fds_unreadable = 3;
    const auto snapshot = run(std::move(records));
    CHECK(snapshot.sockets.at(0).ownerless_reason->code ==
          (readable ? model::OwnerlessCode::unexplained : model::OwnerlessCode::unreadable));
  }
}

TEST_CASE("from within a pid namespace, a socket that nobody holds may be held outside") {
  Records records = make_records();
  records.capture.inner_pid_namespace = true;
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {});
  CHECK(run(std::move(records)).sockets.at(0).ownerless_reason->code == model::OwnerlessCode::other_pid_namespace);
}

TEST_CASE("the kernel's own netlink sockets are the kernel's") {
  Records records = make_records();
  decode::NetlinkDiagDump dump;
  decode::NetlinkDiagRecord record;
  record.cookie = 1;
  record.inode = 5;
  dump.rows.push_back(std::move(record));
  records.netlink_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(dump));
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 1);
  CHECK(snapshot.sockets[0].ownerless_reason->code == model::OwnerlessCode::kernel);
}

TEST_CASE("the UDP socket of a tunnel is the kernel's, named after its links, and not root's") {
  Records records = make_records();
  auto v6 = udp(10, 4789, 1001);
  auto connected = udp(2, 4789, 1002, 53);
  add_udp_dump(records, list(udp(2, 4789, 1000), std::move(v6), std::move(connected), udp(2, 4790, 1003), udp(2, 6081, 1004)));
  add_udp_dump(records, list(udp(2, 4789, 1005)), kNetns + 1);
  reconstruct::add_links_of_netns(records, kNetns,
                                  {rt_link("vxlan", "vx0", 4789), rt_link("geneve", "gn1", 6081), rt_link("geneve", "gn0", 6081),
                                   rt_link("bridge", "br0")});
  add_process(records, 50, 1, 100, {{1004, 3}});
  const auto snapshot = run(std::move(records));
  for (const std::uint64_t inode : {1000, 1001}) {
    CHECK(reason_of(snapshot, inode).code == OwnerlessCode::kernel);
    CHECK(reason_of(snapshot, inode).detail == "vxlan vx0");
    CHECK_FALSE(socket_with(snapshot, inode).uid);
  }
  CHECK(reason_of(snapshot, 1002).code == OwnerlessCode::unexplained);
  CHECK(reason_of(snapshot, 1003).code == OwnerlessCode::unexplained);
  CHECK_FALSE(socket_with(snapshot, 1004).ownerless_reason);  // held: a process's own
  CHECK(reason_of(snapshot, 1005).code == OwnerlessCode::unexplained);
}

TEST_CASE("a tunnel that was moved left its socket where it was made") {
  Records records = make_records();
  add_udp_dump(records, list(udp(2, 4789, 1000)));
  add_udp_dump(records, list(udp(2, 4789, 1001)), kNetns + 1);
  const bool is_ambiguous = GENERATE(false, true);
  if (is_ambiguous) add_udp_dump(records, list(udp(2, 4789, 1002)), kNetns + 2);
  reconstruct::add_links_of_netns(records, kNetns + 1, {rt_link("vxlan", "vx0", 4789, 0)});
  records.netns_pins.push_back({kNetns + 1, 1, "/run/netns/blue", 0, 0});
  const auto snapshot = run(std::move(records));
  CHECK(reason_of(snapshot, 1000).code == OwnerlessCode::kernel);
  CHECK(reason_of(snapshot, 1000).detail == (is_ambiguous ? "probably " : ""s) + "vxlan vx0, moved to namespace blue");
  CHECK(reason_of(snapshot, 1001).code == OwnerlessCode::unexplained);
}

TEST_CASE("wireguard's port is not told: a pair of both families is probably its") {
  Records records = make_records();
  add_udp_dump(records, list(udp(2, 51820, 1000), udp(10, 51820, 1001), udp(2, 53, 1002), udp(10, 123, 1003)));
  const bool is_elsewhere = GENERATE(false, true);
  reconstruct::add_links_of_netns(records, is_elsewhere ? kNetns + 1 : kNetns, {rt_link("wireguard", "wg0")});
  const auto snapshot = run(std::move(records));
  for (const std::uint64_t inode : {1000, 1001}) {
    CHECK(reason_of(snapshot, inode).code == OwnerlessCode::kernel);
    CHECK(reason_of(snapshot, inode).detail.starts_with("probably wireguard wg0"));
  }
  CHECK(reason_of(snapshot, 1002).code == OwnerlessCode::unexplained);
  CHECK(reason_of(snapshot, 1003).code == OwnerlessCode::unexplained);
}

TEST_CASE("links whose protocol fixes the port, mounts of other hosts and servers in the kernel explain sockets") {
  Records records = make_records();
  add_udp_dump(records, list(udp(2, 2152, 1000)));
  auto nfs = tcp(1, 900, 1001, 7, 2049), other = tcp(1, 901, 1002, 8, 2049), closed = tcp(4, 902, 0, 9, 2049);
  nfs.peer = closed.peer = ip4(10, 0, 0, 9);
  other.peer = ip4(10, 0, 0, 8);
  add_dump(records, list(std::move(nfs), std::move(other), std::move(closed), tcp(10, 2049, 1003, 10)));
  reconstruct::add_links_of_netns(records, kNetns, {rt_link("gtp", "gtp0")});
  reconstruct::add_mountinfo(
      records, 1,
      decode::decode_mountinfo("50 1 0:50 / /mnt/a\\040b rw - nfs4 s:/x rw,vers=4.2,addr=10.0.0.9,clientaddr=10.0.0.8\n"
                               "51 1 0:51 / /srv rw - ext4 /dev/sda rw,addr=10.0.0.8\n"
                               "52 1 0:52 / /p rw - 9p 10.0.0.7 rw,trans=tcp\n")
          .rows);
  add_process(records, 50, 1, 100, {});
  records.processes[50].stat->comm = "nfsd";
  records.processes[50].stat->flags = 0x00200000;
  const auto snapshot = run(std::move(records));
  CHECK(reason_of(snapshot, 1000).detail == "gtp gtp0");
  CHECK(reason_of(snapshot, 1001).code == OwnerlessCode::kernel);
  CHECK(reason_of(snapshot, 1001).detail == "nfs4 on /mnt/a b");
  CHECK(reason_of(snapshot, 1002).code == OwnerlessCode::unexplained);
  CHECK(reason_of(snapshot, 1003).detail == "nfsd");
  for (const auto& socket : snapshot.sockets)
    if (!socket.inode) CHECK(socket.ownerless_reason->code == OwnerlessCode::orphan);
}

TEST_CASE("TIPC's topology service is the one listener that nobody holds; of two it could be either") {
  for (const bool is_alone : {true, false}) {
    Records records = make_records();
    decode::TipcDiagDump dump;
    for (const std::uint32_t inode : {1000u, 1001u, 1002u}) {
      decode::TipcDiagRecord record;
      record.type = model::kSocketSeqpacket;
      record.state = inode == 1002 ? 1 : 10;  // connected, listening
      record.inode = inode;
      record.cookie = inode;
      dump.rows.push_back(std::move(record));
    }
    records.tipc_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(dump));
    add_process(records, 50, 1, 100, {});
    if (is_alone) add_process(records, 51, 1, 100, {{1001, 3}});
    const auto snapshot = run(std::move(records));
    CHECK(reason_of(snapshot, 1000).code == (is_alone ? OwnerlessCode::kernel : OwnerlessCode::unexplained));
    CHECK(reason_of(snapshot, 1002).code == OwnerlessCode::unexplained);
  }
}

TEST_CASE("the TCP socket below one of SMC is the kernel's, and no other is") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(1, 80, 1001, 8, 5000), tcp(1, 80, 1002, 9, 5001)));
  decode::SmcDiagDump dump;
  for (const auto& [inode, peer_port] : {std::pair(2000, 0), {2001, 5000}}) {
    decode::SmcDiagRecord record;
    const auto below = tcp(1, 80, 0, 0, static_cast<std::uint16_t>(peer_port));
    record.local = below.local;
    record.peer = below.peer;
    record.local_port = below.local_port;
    record.peer_port = below.peer_port;
    record.inode = record.cookie = static_cast<std::uint64_t>(inode);
    dump.rows.push_back(std::move(record));
  }
  records.smc_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(dump));
  add_process(records, 50, 1, 100, {{2000, 3}, {2001, 4}});
  const auto snapshot = run(std::move(records));
  for (const std::uint64_t inode : {1000, 1001}) {
    CHECK(reason_of(snapshot, inode).code == OwnerlessCode::kernel);
    CHECK(reason_of(snapshot, inode).detail == "below the SMC socket of the same addresses");
  }
  CHECK(reason_of(snapshot, 1002).code == OwnerlessCode::unexplained);
}

TEST_CASE("unreadable comes last, with the candidates of the socket's uid first") {
  Records records = make_records();
  auto listener = tcp(10, 80, 1000, 7);
  listener.uid = 1000;
  add_dump(records, list(std::move(listener), tcp(6, 80, 0, 8, 5000), tcp(1, 80, 1001, 9, 5001), tcp(10, 82, 1002, 10)));
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(6, 80, 0, 8, 5000), tcp(10, 82, 1002, 10)), 2);
  records.inet_dumps.back().dump.rows[0].uid = 1000;
  for (std::int64_t pid = 100; pid < 200; ++pid) {
    add_process(records, pid, 1, 100, {});
    records.processes[pid].fds_seen = false;
    records.processes[pid].status.emplace();
    const std::uint32_t uid = pid == 150 ? 1000 : 7;
    records.processes[pid].status->uids = {uid, uid, uid, uid};
  }
  add_process(records, 200, 1, 100, {});  // ended before its fds were read
  records.processes[200].fds_seen = false;
  model::Gap gap;
  gap.kind = base::OutcomeKind::vanished;
  gap.source = "proc_pid_fd";
  gap.pid = 200;
  records.gaps.push_back(gap);
  add_process(records, 201, 1, 100, {});  // the kernel's
  records.processes[201].fds_seen = false;
  records.processes[201].stat->flags = 0x00200000;
  const auto snapshot = run(std::move(records));
  const auto& reason = reason_of(snapshot, 1000);
  CHECK(reason.code == OwnerlessCode::unreadable);
  CHECK(reason.candidate_count == 100);
  REQUIRE(reason.candidates.size() == model::kMaxCandidates);
  CHECK(snapshot.processes[reason.candidates[0]].pid == 150);
  CHECK(snapshot.processes[reason.candidates[1]].pid == 100);
  CHECK(reason.detail.starts_with("the fds of 100 processes could not be read: pid 150, 100, 101"));
  CHECK(reason_of(snapshot, 1002).detail.starts_with("the fds of 100 processes could not be read: pid 100, 101"));
  CHECK(reason_of(snapshot, 1001).code == OwnerlessCode::gone);
  for (const auto& socket : snapshot.sockets)
    if (!socket.inode) CHECK(socket.ownerless_reason->code == OwnerlessCode::time_wait);
}

TEST_CASE("a ring that did not tell its files makes its process a candidate") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  add_process(records, 50, 1, 100, {});
  std::size_t hidden = 1;
  SECTION("its fdinfo was not read") { records.processes[50].ring_fds.emplace(4, 0); }
  SECTION("it was busy") { reconstruct::add_fdinfo(records, {50}, 4, decode::decode_proc_pid_fdinfo("SqThread:\t-1\n")); }
  SECTION("its fd is closed") {
    reconstruct::add_maps(records, 50, decode::decode_proc_pid_maps("0-1 rw-s 0 0:9 1 anon_inode:[io_uring]\n"));
  }
  SECTION("it told them") {
    reconstruct::add_fdinfo(records, {50}, 4, decode::decode_proc_pid_fdinfo("UserFiles:\t0\n"));
    hidden = 0;
  }
  const auto snapshot = run(std::move(records));
  CHECK(reason_of(snapshot, 1000).candidate_count == hidden);
  CHECK(reason_of(snapshot, 1000).code == (hidden ? OwnerlessCode::unreadable : OwnerlessCode::unexplained));
  if (hidden) CHECK(reason_of(snapshot, 1000).detail == "the registered files of an io_uring of 1 process could not be read: pid 50");
  else CHECK(reason_of(snapshot, 1000).detail.starts_with("nothing that was read holds it (1 process, 0 threads, 1 io_uring, 0 mappings)"));
}

TEST_CASE("what only /proc/net showed, between dumps that were made, is gone") {
  Records records = make_records();
  add_proc_tcp(records, {row_of(tcp(10, 80, 1000, 0))});
  const bool was_dumped = GENERATE(true, false);
  if (was_dumped) add_dump(records, {});
  const auto snapshot = run(std::move(records));
  CHECK(reason_of(snapshot, 1000).code == (was_dumped ? OwnerlessCode::gone : OwnerlessCode::unexplained));
}

TEST_CASE("a cut archive, --pid and processes that could not be read come before a guess at another pid namespace") {
  Records records = make_records();
  records.capture.inner_pid_namespace = true;
  add_dump(records, list(tcp(10, 80, 1000, 7)));
  SECTION("cut") { records.capture.incomplete = true; }
  SECTION("unreadable") {
    add_process(records, 50, 1, 100, {});
    records.processes[50].fds_unreadable = 1;
  }
  SECTION("--pid") {
    model::Gap gap;
    gap.kind = base::OutcomeKind::skipped;
    gap.source = "proc_list";
    gap.count = 900;
    records.gaps.push_back(gap);
  }
  CHECK(run(std::move(records)).sockets.at(0).ownerless_reason->code == OwnerlessCode::unreadable);
}

TEST_CASE("orphans of /proc/net show uid 0 for want of one") {
  Records records = make_records();
  for (const int state : {4, 5, 9, 11}) {
    auto row = row_of(tcp(static_cast<std::uint8_t>(state), 80, 0, 0, static_cast<std::uint16_t>(5000 + state)));
    row.uid = 0;
    records.proc_net_inet.push_back({{1, kNetns, 1}, model::View::proc_net_tcp, 2, 6, {row}});
  }
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 4);
  for (const auto& socket : snapshot.sockets) {
    CHECK_FALSE(socket.uid);
    CHECK(socket.ownerless_reason->code == OwnerlessCode::orphan);
  }
}

TEST_CASE("a connection waits for as good a reason as its listener") {
  Records records = make_records();
  add_dump(records, list(tcp(10, 80, 1000, 7), tcp(1, 80, 0, 8, 5000), tcp(1, 99, 0, 9, 5001)));
  add_process(records, 50, 1, 100, {});
  records.processes[50].fds_unreadable = 1;
  const auto snapshot = run(std::move(records));
  for (const auto& socket : snapshot.sockets) {
    REQUIRE(socket.ownerless_reason);
    if (socket.peer.port == 5000) {
      CHECK(socket.ownerless_reason->code == OwnerlessCode::unreadable);
      CHECK(socket.ownerless_reason->candidates.size() == 1);
      CHECK(socket.ownerless_reason->detail.starts_with("waits to be accepted by the listener on 127.0.0.1:80, which nobody"));
    }
    if (socket.peer.port == 5001) CHECK(socket.ownerless_reason->code == OwnerlessCode::gone);
  }
}
