// Evidence that was made to cost: many of one thing where the kernel has one. Each case takes some seconds of processor time;
// a pass whose work grows with the square of its input takes several minutes, and more than a case may have is SIGXCPU. How
// busy the machine is makes no difference to that.
#include <unordered_set>

#include <sys/resource.h>

#include "base/hash.h"
#include "records_builder.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;

namespace {

constexpr std::uint32_t kMany = 300'000;

// A connection of its own inode and cookie, all from one address to another.
decode::InetDiagRecord alike(std::uint32_t number) { return tcp(model::kStateEstab, 80, number, number, 81); }

// Ends the program if the case at hand takes more processor time than this; sanitizers make any code several times slower.
struct ProcessorTime {
  ProcessorTime() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    constexpr rlim_t kSeconds = 600;
#else
    constexpr rlim_t kSeconds = 60;
#endif
    rusage used{};
    rlimit limit{};
    REQUIRE(::getrusage(RUSAGE_SELF, &used) == 0);
    REQUIRE(::getrlimit(RLIMIT_CPU, &limit) == 0);
    limit.rlim_cur = static_cast<rlim_t>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + kSeconds;
    REQUIRE(::setrlimit(RLIMIT_CPU, &limit) == 0);
  }
};

template <class Make>
auto many(Make make, std::uint32_t count = kMany) {
  std::vector<decltype(make(0u))> all;
  all.reserve(count);
  for (std::uint32_t i = 1; i <= count; ++i) all.push_back(make(i));
  return all;
}

}  // namespace

TEST_CASE("very many sockets at one address, in both views, of other inodes") {
  const ProcessorTime limit;
  Records records = make_records();
  add_dump(records, many(alike));
  add_proc_tcp(records, many([](std::uint32_t i) { return row_of(alike(kMany + i)); }));
  CHECK(run(std::move(records)).sockets.size() == 2 * kMany);
}

TEST_CASE("very many sockets of one inode, in both views, at other addresses") {
  const ProcessorTime limit;
  const auto at_port = [](std::uint32_t i, std::uint16_t peer) {
    auto record = tcp(model::kStateEstab, static_cast<std::uint16_t>(i), 7, i, peer);
    record.local = ip4(10, static_cast<unsigned char>(i >> 16), 0, 1);
    return record;
  };
  Records records = make_records();
  add_dump(records, many([&](std::uint32_t i) { return at_port(i, 1); }));
  add_proc_tcp(records, many([&](std::uint32_t i) { return row_of(at_port(i, 2)); }));
  CHECK(run(std::move(records)).sockets.size() == 2 * kMany);
}

TEST_CASE("subflows of one inode are told apart by their addresses") {
  Records records = make_records();
  std::vector<decode::ProcNetInetRow> rows;
  for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) rows.push_back(row_of(tcp(model::kStateEstab, port, 7, port, 80)));
  add_dump(records, list(tcp(model::kStateEstab, 1, 7, 1, 80), tcp(model::kStateEstab, 2, 7, 2, 80), tcp(model::kStateEstab, 3, 7, 3, 80)));
  add_proc_tcp(records, std::move(rows));
  const auto snapshot = run(std::move(records));
  REQUIRE(snapshot.sockets.size() == 3);
  for (const auto& socket : snapshot.sockets) CHECK(socket.sightings.size() == 2);
}

TEST_CASE("very many netlink sockets without an inode, in both views") {
  const ProcessorTime limit;
  Records records = make_records();
  decode::NetlinkDiagDump dump;
  std::vector<decode::ProcNetNetlinkRow> rows;
  for (std::uint32_t i = 1; i <= kMany; ++i) {
    decode::NetlinkDiagRecord record;
    record.port_id = i;
    record.cookie = i;
    dump.rows.push_back(std::move(record));
    decode::ProcNetNetlinkRow row;
    row.port_id = kMany - i + 1;
    rows.push_back(row);
  }
  records.netlink_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(dump));
  records.proc_net_netlink.push_back({{1, kNetns, 1}, std::move(rows)});
  CHECK(run(std::move(records)).sockets.size() == kMany);
}

TEST_CASE("very many namespaces, and sockets that are in none of them") {
  const ProcessorTime limit;
  Records records = make_records();
  add_process(records, 1, 0, 0, {});
  for (std::uint32_t i = 1; i <= kMany; ++i) {
    records.netns_facts[kNetns + i];
    reconstruct::NamedSocket named;
    named.inode = i;
    named.pid = 1;
    named.still_held = true;
    named.protocol = "TCP";
    records.named_sockets.push_back(std::move(named));
  }
  // And very many tables, none of which is the one that would have them.
  for (std::uint16_t protocol = 0; protocol < 65'535; ++protocol) records.views[kNetns].insert({model::View::inet_diag, 2, protocol});
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.sockets.size() == kMany);
  CHECK(snapshot.namespaces.size() == kMany + 2);
}

TEST_CASE("one view against another of very many namespaces, and of very many sockets that one of them lacks") {
  const ProcessorTime limit;
  Records records = make_records();
  decode::NetlinkDiagDump dump;
  reconstruct::TableLooks looks;
  looks.first.listed.emplace();
  looks.first.dumped.emplace();
  for (std::uint32_t i = 1; i <= kMany; ++i) {
    decode::NetlinkDiagRecord record;
    record.port_id = record.inode = i;
    record.cookie = i;
    dump.rows.push_back(std::move(record));
    looks.first.dumped->push_back(i);
    records.netns_facts[kNetns + i];
    records.raw.tables[{kNetns + i, "netlink"}] = {};
  }
  looks.again = looks.first.dumped;
  records.netlink_dumps.emplace_back(reconstruct::Origin{0, kNetns, 1}, std::move(dump));
  records.raw.tables[{kNetns, "netlink"}] = std::move(looks);
  reconstruct::Options options;
  options.cross_view = true;
  const auto snapshot = reconstruct::reconstruct(std::move(records), options);
  CHECK(snapshot.sockets.size() == kMany);
  REQUIRE(snapshot.cross_view);
  CHECK_FALSE(snapshot.cross_view->findings.empty());
}

TEST_CASE("very many listeners that nobody holds, and connections that wait for one of them") {
  const ProcessorTime limit;
  Records records = make_records();
  auto rows = many([](std::uint32_t i) { return tcp(model::kStateListen, 80, i, i); }, kMany / 2);
  for (auto& waiting : many([](std::uint32_t i) { return tcp(model::kStateEstab, 80, 0, kMany + i, 81); }, kMany / 2))
    rows.push_back(std::move(waiting));
  add_dump(records, std::move(rows));
  CHECK(run(std::move(records)).sockets.size() == kMany);
}

TEST_CASE("very many holders of one socket, in a chain of parents, and one process with very many fds") {
  const ProcessorTime limit;
  Records records = make_records();
  add_dump(records, list(tcp(model::kStateListen, 80, 5, 1), tcp(model::kStateListen, 81, 6, 2)));
  for (std::uint32_t pid = 1; pid <= kMany; ++pid) add_process(records, pid, pid - 1, pid, {{5, 3}});
  records.processes[1].sockets = many([](std::uint32_t fd) { return reconstruct::HeldSocket{6, fd}; });
  const auto snapshot = run(std::move(records));
  CHECK(socket_with(snapshot, 5).owners.size() == kMany - 1);
  CHECK(socket_with(snapshot, 6).owners.front().fds.size() == kMany);
}

TEST_CASE("parents in a loop") {
  const ProcessorTime limit;
  Records records = make_records();
  add_dump(records, list(tcp(model::kStateListen, 80, 5, 1)));
  for (std::uint32_t pid = 1; pid <= kMany; ++pid) add_process(records, pid, pid == 1 ? kMany : pid - 1, 7, {{5, 3}});
  CHECK(socket_with(run(std::move(records)), 5).owners.size() == kMany);
}

TEST_CASE("very many sockets that all have one inode, and very many holders of it") {
  const ProcessorTime limit;
  Records records = make_records();
  add_dump(records, many([](std::uint32_t i) { return tcp(model::kStateListen, static_cast<std::uint16_t>(i), 5, i); }, kMany / 3));
  for (std::uint32_t pid = 1; pid <= kMany / 3; ++pid) add_process(records, pid, 0, pid, {{5, 3}});
  std::size_t owners = 0;
  for (const auto& socket : run(std::move(records)).sockets) owners += socket.owners.size();
  CHECK(owners < 20 * kMany);
}

TEST_CASE("very many UNIX sockets whose peer is one and the same, and that wait at one listener") {
  const ProcessorTime limit;
  Records records = make_records();
  auto rows = many([](std::uint32_t i) {
    auto record = unix_socket(model::kStateEstab, i, i);
    record.peer_inode = kMany + 1;
    return record;
  });
  auto listener = unix_socket(model::kStateListen, kMany + 1, kMany + 1);
  listener.name = std::string(108, 'n');
  listener.pending_inodes = many([](std::uint32_t i) { return i; });
  rows.push_back(std::move(listener));
  add_unix_dump(records, std::move(rows));
  CHECK(run(std::move(records)).sockets.size() == kMany + 1);
}

TEST_CASE("inodes of which an ordinary hash table would put all into one bucket") {
  const ProcessorTime limit;
  // std::hash leaves an integer as it is, and libstdc++ takes it modulo the number of buckets.
  std::unordered_set<std::uint64_t> table;
  table.reserve(kMany);
  const std::uint64_t buckets = table.bucket_count();
  Records records = make_records();
  add_process(records, 1, 0, 0, {});
  std::vector<decode::ProcNetInetRow> rows;
  for (std::uint32_t i = 1; i <= kMany; ++i) {
    records.processes[1].sockets.push_back({buckets * i, i});
    auto row = row_of(tcp(model::kStateListen, static_cast<std::uint16_t>(i), 0, 0));
    row.inode = buckets * i;
    rows.push_back(row);
  }
  add_proc_tcp(records, std::move(rows));
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.sockets.size() == kMany);
  CHECK(snapshot.held.in_tables == kMany);
}

TEST_CASE("the hash of a key is the same during one run, and tells keys apart") {
  const base::SeededHash hash;
  CHECK(hash(std::string_view("socket")) == hash(std::string_view("socket")));
  CHECK(hash(std::uint64_t{1}) == hash(std::uint64_t{1}));
  std::unordered_set<std::size_t> seen;
  for (std::uint64_t key = 0; key < 10'000; ++key) seen.insert(hash(key << 40));
  for (std::size_t length = 0; length < 100; ++length) seen.insert(hash(std::string_view(std::string(length, '\0'))));
  CHECK(seen.size() > 10'090);
}
