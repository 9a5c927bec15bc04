#include "render/lsof.h"

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using render::LsofOptions;

namespace {

model::ProcNetRow& add(model::Snapshot& snapshot, model::View view, model::Socket socket, std::uint64_t inode,
                       std::vector<model::Owner> owners) {
  model::ProcNetRow row;
  row.view = view;
  row.socket = static_cast<std::uint32_t>(snapshot.sockets.size());
  row.state = socket.state;
  row.inode = inode;
  socket.inode = inode;
  socket.owners = std::move(owners);
  snapshot.sockets.push_back(std::move(socket));
  snapshot.proc_net_rows.push_back(row);
  return snapshot.proc_net_rows.back();
}

model::Process process(std::int64_t pid, std::string comm, std::optional<std::uint32_t> uid) {
  model::Process out;
  out.pid = pid;
  out.comm = std::move(comm);
  out.euid = uid;
  return out;
}

model::Socket connected(base::IpAddress local, base::IpAddress peer, std::uint8_t state) {
  auto socket = inet_socket(model::kProtocolTcp, state, local, 80);
  socket.peer = {peer, 40000, 0, {}};
  return socket;
}

// Two processes with names and users of their own, a socket of each kind.
model::Snapshot rich() {
  model::Snapshot snapshot;
  snapshot.namespaces.resize(2);
  snapshot.processes.push_back(process(7, "a-long-name", 33));
  snapshot.processes.push_back(process(1000, "a b\x1b", 4000000000));
  snapshot.users = {{33, "www-data"}};
  add(snapshot, model::View::proc_net_tcp, inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80), 4711,
      {owner(0, {3, 12345}), owner(1, {10})});
  const auto mapped = ip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1});
  add(snapshot, model::View::proc_net_tcp6, connected(mapped, mapped, model::kStateEstab), 4712, {owner(0, {4})});
  const auto loopback6 = ip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  add(snapshot, model::View::proc_net_tcp6, connected(loopback6, loopback6, 77), 4713, {owner(0, {5})});
  add(snapshot, model::View::proc_net_udp, inet_socket(model::kProtocolUdp, model::kStateUnconn, any_v4(), 53), 4714, {owner(0, {6})});
  add(snapshot, model::View::proc_net_udplite, inet_socket(model::kProtocolUdplite, model::kStateUnconn, any_v4(), 54), 4715, {owner(0, {7})});
  auto* row = &add(snapshot, model::View::proc_net_unix,
                   unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::path, "/run/a:b c"), 4716, {owner(1, {8})});
  row->path = "/run/a:b c";
  row->flags = 0x10000;
  row->state = 1;
  row->pointer = 0xabc;
  row->pointer_digits = 16;
  row = &add(snapshot, model::View::proc_net_unix,
             unix_socket(model::kSocketDgram, model::kStateUnconn, model::UnixName::Kind::abstract_name, "\x1b\\"), 4717, {owner(1, {9})});
  row->path = "@\x1b\\";
  row->flags = 0x30000;
  row->state = 9;
  return snapshot;
}

std::string lsof(const model::Snapshot& snapshot, const LsofOptions& options = {}) { return render::render_lsof(snapshot, 0, options); }

}  // namespace

TEST_CASE("lsof -nP -i") {
  CHECK(lsof(rich()) ==
        "COMMAND    PID     USER   FD   TYPE DEVICE SIZE/OFF    NODE NAME\n"
        "a-long-na    7 www-data    3u  IPv4   4711      0t0     TCP *:80 (LISTEN)\n"
        "a-long-na    7 www-data    4u  IPv6   4712      0t0     TCP 127.0.0.1:80->127.0.0.1:40000 (ESTABLISHED)\n"
        "a-long-na    7 www-data    5u  IPv6   4713      0t0     TCP [::1]:80->[::1]:40000 (UNKNOWN_TCP_STATE_77)\n"
        "a-long-na    7 www-data    6u  IPv4   4714      0t0     UDP *:53 \n"
        "a-long-na    7 www-data    7u  IPv4   4715      0t0 UDPLITE *:54 \n"
        "a-long-na    7 www-data *345u  IPv4   4711      0t0     TCP *:80 (LISTEN)\n"
        "a\\x20b^[  1000 40000000   10u  IPv4   4711      0t0     TCP *:80 (LISTEN)\n");
  CHECK(lsof({}).empty());
}

TEST_CASE("lsof -nP -U") {
  LsofOptions options;
  options.unix_sockets = true;
  CHECK(lsof(rich(), options) ==
        "COMMAND   PID     USER   FD   TYPE             DEVICE SIZE/OFF NODE NAME\n"
        "a\\x20b^[ 1000 40000000    8u  unix 0x0000000000000abc      0t0 4716 /run/a type=STREAM (LISTEN)\n"
        "a\\x20b^[ 1000 40000000    9u  unix 0x(____ptrval____)      0t0 4717 @^[\\\\ type=DGRAM (UNKNOWN)\n");
}

TEST_CASE("lsof -iTCP, -iUDP, -i4, -i6: -i4 asks for the table, -i4TCP for the addresses") {
  const auto inodes = [](const LsofOptions& options) {
    const std::string text = lsof(rich(), options);
    std::string out;
    for (int inode = 4711; inode <= 4717; ++inode)
      if (text.find(' ' + std::to_string(inode) + ' ') != std::string::npos) out += std::to_string(inode - 4710);
    return out;
  };
  LsofOptions options;
  options.tcp = true;
  CHECK(inodes(options) == "123");
  options.ipv4 = true;
  CHECK(inodes(options) == "12");
  options.ipv6 = true;
  CHECK(inodes(options) == "123");
  options.ipv4 = false;
  CHECK(inodes(options) == "3");
  options.tcp = false;
  CHECK(inodes(options) == "23");
  options.unix_sockets = true;
  CHECK(inodes(options) == "2367");
  options = {};
  options.udp = true;
  CHECK(inodes(options) == "4");
  options = {};
  options.ipv4 = true;
  CHECK(inodes(options) == "145");
}

TEST_CASE("lsof ends a name at the bracket that balances, and leaves out a process where none does") {
  model::Snapshot snapshot;
  snapshot.namespaces.resize(1);
  std::vector<model::Owner> owners;
  for (const char* comm : {"", "a)b", "(c)", ")", "d(", "", "e"}) {
    owners.push_back(owner(static_cast<std::uint32_t>(owners.size()), {3}));
    snapshot.processes.push_back(process(static_cast<std::int64_t>(owners.size()), comm, 0));
  }
  add(snapshot, model::View::proc_net_tcp, inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80), 1, owners);
  const std::string text = lsof(snapshot);
  std::string commands;
  for (std::size_t at = text.find('\n') + 1; at < text.size(); at = text.find('\n', at) + 1) commands += text.substr(at, text.find("  ", at) - at) + '|';
  CHECK(commands == "(unknown)|a|(c)|(c)|(unknown)|e|");
  LsofOptions options;
  options.explain = true;
  CHECK(lsof(snapshot, options).find("lsof leaves out a process whose name has a bracket without its counterpart: d([5]\n") != std::string::npos);
}

TEST_CASE("lsof: one inode, one socket, though rows share it") {
  auto snapshot = rich();
  add(snapshot, model::View::proc_net_tcp, connected(ip({10, 0, 0, 1}), ip({10, 0, 0, 2}), model::kStateEstab), 4711, {owner(0, {3})});
  CHECK(lsof(snapshot).find("10.0.0.1") == std::string::npos);
  LsofOptions options;
  options.explain = true;
  CHECK(lsof(snapshot, options).find("lsof can't show 1 socket: another row of /proc/net has its inode") != std::string::npos);
}

TEST_CASE("lsof --explain") {
  auto snapshot = rich();
  auto time_wait = connected(ip({127, 0, 0, 1}), ip({127, 0, 0, 1}), model::kStateTimeWait);
  time_wait.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::time_wait, "closed"};
  snapshot.sockets.push_back(std::move(time_wait));
  auto ring = inet_socket(model::kProtocolTcp, model::kStateListen, ip({10, 0, 0, 5}), 9000);
  auto holder = owner(1, {4});
  holder.via = model::Via::io_uring;
  ring.owners = {holder};
  snapshot.sockets.push_back(std::move(ring));
  auto thread = owner(1, {9});
  thread.via = model::Via::thread_fd;
  snapshot.sockets[3].owners.push_back(thread);
  auto far = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 1);
  far.netns = 1;
  snapshot.sockets.push_back(std::move(far));
  LsofOptions options;
  options.explain = true;
  const std::string text = lsof(snapshot, options);
  for (const char* part : {"*:80 (LISTEN)\n  └ lsof cuts the name of the process: a-long-name\n",
                           "*:53 \n  └ lsof reads the fd tables of processes only: held by a b\\x1b[1000]",
                           "lsof can't show 1 socket: no process: time-wait\n", "lsof can't show tcp 10.0.0.5:9000: held by a b\\x1b[1000]",
                           "lsof doesn't know 1 socket of other network namespaces"}) {
    INFO(part << "\nnot in\n" << text);
    CHECK(text.find(part) != std::string::npos);
  }
  // The rows themselves stay as they are.
  const std::string plain = lsof(snapshot);
  CHECK(text.starts_with(plain.substr(0, plain.find('\n') + 1)));
  options.unix_sockets = true;
  CHECK(lsof(snapshot, options).find("lsof ends the path at a blank or a colon: /run/a:b c\n") != std::string::npos);
}
