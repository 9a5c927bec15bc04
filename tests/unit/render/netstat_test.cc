#include "render/netstat.h"

#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using render::NetstatOptions;

namespace {

model::ProcNetRow& add(model::Snapshot& snapshot, model::View view, model::Socket socket,
                       std::uint64_t inode) {
  model::ProcNetRow row;
  row.view = view;
  row.socket = static_cast<std::uint32_t>(snapshot.sockets.size());
  row.state = socket.state;
  row.inode = inode;
  if (inode != 0) socket.inode = inode;
  snapshot.sockets.push_back(std::move(socket));
  snapshot.proc_net_rows.push_back(row);
  return snapshot.proc_net_rows.back();
}

base::IpAddress long_v6() {
  return ip({0xfd, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc});
}

// One row of each kind, as the real tool printed them in a scene of the same sockets.
model::Snapshot rich() {
  auto result = scene();
  result.proc_net_rows.push_back({});
  auto& listener = result.proc_net_rows.back();
  listener.view = model::View::proc_net_tcp6;
  listener.state = model::kStateListen;
  listener.inode = 4711;

  auto established = inet_socket(model::kProtocolTcp, model::kStateEstab, ip({127, 0, 0, 1}), 5432);
  established.peer = {ip({127, 0, 0, 1}), 59432, 0, {}};
  established.owners.push_back(owner(1, {5}));
  auto* row = &add(result, model::View::proc_net_tcp, std::move(established), 24537);
  row->recv_queue = 50;
  row->timer = 2;
  row->timer_expires_ticks = 719724;
  row->uid = 33;
  auto time_wait = inet_socket(model::kProtocolTcp, model::kStateTimeWait, ip({127, 0, 0, 1}), 59458);
  time_wait.peer = {ip({127, 0, 0, 1}), 5432, 0, {}};
  time_wait.ownerless_reason =
      model::OwnerlessReason{model::OwnerlessCode::time_wait, "closed\nby its process"};
  row = &add(result, model::View::proc_net_tcp, std::move(time_wait), 0);
  row->timer = 3;
  row->timer_expires_ticks = 5724;
  auto wide = inet_socket(model::kProtocolTcp, model::kStateEstab, long_v6(), 65000);
  wide.peer = {long_v6(), 48924, 0, {}};
  add(result, model::View::proc_net_tcp6, std::move(wide), 24533);
  auto mapped = inet_socket(model::kProtocolUdp, model::kStateEstab,
                            ip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}), 54493);
  mapped.peer = {ip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}), 53, 0, {}};
  add(result, model::View::proc_net_udp6, std::move(mapped), 24546);
  row = &add(result, model::View::proc_net_udp,
             inet_socket(model::kProtocolUdp, model::kStateUnconn, any_v4(), 53), 24543);
  row->recv_queue = 832;
  row->retransmits = 4;
  row->uid = 4294967294;
  auto raw = inet_socket(model::kProtocolRaw, model::kStateUnconn, any_v4(), 0);
  raw.details = std::make_unique<model::SocketDetails>();
  raw.details->raw_protocol = 89;
  add(result, model::View::proc_net_raw, std::move(raw), 24549);

  auto server =
      unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::path, "/run/s1 a b");
  server.owners.push_back(owner(0, {9}));
  row = &add(result, model::View::proc_net_unix, std::move(server), 24553);
  row->state = 1;
  row->ref_count = 2;
  row->flags = 0x10000;
  row->path = "/run/s1 a b";
  row = &add(
      result, model::View::proc_net_unix,
      unix_socket(model::kSocketDgram, model::kStateUnconn, model::UnixName::Kind::abstract_name, "a\x1b"),
      24559);
  row->state = 1;
  row->ref_count = 3;
  row->path = "@a\x1b\\x2d";
  return result;
}

NetstatOptions everything() {
  NetstatOptions options;
  options.tcp = options.udp = options.raw = options.unix_sockets = true;
  options.all = options.numeric = options.programs = options.timers = true;
  options.extended = 1;
  return options;
}

}  // namespace

TEST_CASE("netstat -tuwxanpeo") {
  CHECK(render::render_netstat(rich(), 0, everything()).output ==
        "Active Internet connections (servers and established)\n"
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode    "
        "  PID/Program name     Timer\n"
        "tcp       50      0 127.0.0.1:5432          127.0.0.1:59432         ESTABLISHED 33         24537    "
        "  81/sh                keepalive (7197.24/0/0)\n"
        "tcp        0      0 127.0.0.1:59458         127.0.0.1:5432          TIME_WAIT   0          0        "
        "  -                    timewait (57.24/0/0)\n"
        "tcp6       0      0 :::8080                 :::*                    LISTEN      0          4711     "
        "  80/python3           off (0.00/0/0)\n"
        "tcp6       0      0 fd00:1234:5678:9a:65000 fd00:1234:5678:9a:48924 ESTABLISHED 0          24533    "
        "  -                    off (0.00/0/0)\n"
        "udp      832      0 0.0.0.0:53              0.0.0.0:*                           -2         24543    "
        "  -                    off (0.00/0/0)\n"
        "udp6       0      0 127.0.0.1:54493         127.0.0.1:53            ESTABLISHED 0          24546    "
        "  -                    off (0.00/0/0)\n"
        "raw        0      0 0.0.0.0:89              0.0.0.0:*               7           0          24549    "
        "  -                    off (0.00/0/0)\n"
        "Active UNIX domain sockets (servers and established)\n"
        "Proto RefCnt Flags       Type       State         I-Node   PID/Program name     Path\n"
        "unix  2      [ ACC ]     STREAM     LISTENING     24553    80/python3           /run/s1\n"
        "unix  3      [ ]         DGRAM                    24559    -                    @a\\x1b\\x2d\n");
}

TEST_CASE("netstat selects as its options do") {
  const auto snapshot = rich();
  NetstatOptions options;
  options.tcp = options.listening = options.numeric = options.programs = true;
  CHECK(
      render::render_netstat(snapshot, 0, options).output ==
      "Active Internet connections (only servers)\n"
      "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n"
      "tcp6       0      0 :::8080                 :::*                    LISTEN      80/python3          "
      "\n");
  options = {};
  options.unix_sockets = options.listening = true;
  CHECK(render::render_netstat(snapshot, 0, options).output ==
        "Active UNIX domain sockets (only servers)\n"
        "Proto RefCnt Flags       Type       State         I-Node   Path\n"
        "unix  2      [ ACC ]     STREAM     LISTENING     24553    /run/s1\n");
  options = {};
  options.udp = true;
  options.inet6 = true;
  options.extended = 1;
  CHECK(render::render_netstat(snapshot, 0, options).output ==
        "Active Internet connections (w/o servers)\n"
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State       User       Inode    "
        " \n"
        "udp6       0      0 127.0.0.1:54493         127.0.0.1:53            ESTABLISHED root       24546    "
        " \n");
  // A version alone shows the tables of that version and no UNIX sockets; nothing at all shows every table.
  options = {};
  options.inet6 = true;
  options.all = true;
  CHECK(render::render_netstat(snapshot, 0, options).output.find("UNIX") == std::string::npos);
  CHECK(render::render_netstat(snapshot, 0, options).output.find("0.0.0.0:89") == std::string::npos);
  options.inet = true;
  CHECK(render::render_netstat(snapshot, 0, options).output.find("UNIX") == std::string::npos);
  CHECK(render::render_netstat(snapshot, 0, options).output.find("0.0.0.0:89") != std::string::npos);
  options.inet = options.inet6 = false;
  CHECK(render::render_netstat(snapshot, 0, options).output.find("UNIX") != std::string::npos);
  CHECK(render::render_netstat(snapshot, 1, options).output.find("tcp6") == std::string::npos);
}

TEST_CASE("netstat --explain: the scene") {
  auto snapshot = rich();
  NetstatOptions options;
  options.tcp = options.listening = options.numeric = options.programs = options.explain = true;
  CHECK(
      render::render_netstat(snapshot, 0, options).output ==
      "Active Internet connections (only servers)\n"
      "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n"
      "tcp6       0      0 :::8080                 :::*                    LISTEN      80/python3          \n"
      "  └ netstat stops at the first process of an inode: sh[81] holds it too (fd 38, inherited from 80)\n");
}

TEST_CASE("netstat --explain: what is cut, elsewhere or not shown at all") {
  auto snapshot = rich();
  snapshot.processes[0].cmdline = {{"/opt/a-very-long-server-name", "-v"}};
  snapshot.processes.push_back(process(977, "backup"));
  auto ring = owner(2, {4});
  ring.via = model::Via::io_uring;
  snapshot.sockets[0].owners.push_back(ring);
  snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateBoundInactive, any_v4(), 99));
  auto options = everything();
  options.explain = true;
  options.extended = 0;
  options.timers = false;
  const auto text = render::render_netstat(snapshot, 0, options).output;
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  CHECK(has(
      "LISTEN      80/a-very-long-serv \n"
      "  └ netstat cuts the name at 19 characters: 80/a-very-long-server-name\n"
      "  └ netstat stops at the first process of an inode: sh[81] holds it too (fd 38, inherited from 80)\n"
      "  └ netstat reads the fd tables of processes only: backup[977] holds it too (in an io_uring, fd "
      "4)\n"));
  CHECK(has("  └ netstat cuts the local address: fd00:1234:5678:9abc:def0:1234:5678:9abc:65000\n"));
  CHECK(has("  └ netstat cuts the foreign address: fd00:1234:5678:9abc:def0:1234:5678:9abc:48924\n"));
  CHECK(has("  └ netstat ends the path at a blank: /run/s1 a b\n"));
  CHECK(has("  └ no process: time-wait, closed\\x0aby its process\n"));
  CHECK(
      text.ends_with("netstat can't show 1 socket that is bound but neither listening nor connected: "
                     "/proc/net has no row for it\n"));
}

TEST_CASE("netstat names the lowest pid whose command line was read") {
  auto snapshot = scene();
  snapshot.processes.push_back(process(7, ""));
  snapshot.processes[2].cmdline = std::vector<std::string>{};
  snapshot.sockets[0].owners.push_back(owner(2, {3}));
  snapshot.proc_net_rows.push_back({});
  snapshot.proc_net_rows[0].view = model::View::proc_net_tcp6;
  snapshot.proc_net_rows[0].state = model::kStateListen;
  snapshot.proc_net_rows[0].inode = 4711;
  NetstatOptions options;
  options.tcp = options.all = options.programs = true;
  CHECK(render::render_netstat(snapshot, 0, options).output.find(" 7/                  \n") != std::string::npos);
  snapshot.processes[2].cmdline.reset();
  CHECK(render::render_netstat(snapshot, 0, options).output.find(" 80/python3          \n") != std::string::npos);
  snapshot.processes[0].cmdline = {{"\x1b[2Jevil\n"}};
  CHECK(render::render_netstat(snapshot, 0, options).output.find(" 80/\\x1b[2Jevil\\x0a  \n") != std::string::npos);
}

TEST_CASE("only what is selected is listed, counted and explained") {
  auto result = snapshot();
  add(result, model::View::proc_net_tcp, inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80), 1);
  add(result, model::View::proc_net_tcp, inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 81), 2);
  add(result, model::View::proc_net_unix, unix_socket(model::kSocketStream, model::kStateUnconn, model::UnixName::Kind::none, ""), 3);
  result.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 82));  // no row
  NetstatOptions options;
  options.all = options.numeric = options.explain = true;
  const auto whole = render::render_netstat(result, 0, options);
  CHECK(whole.rows == 3);
  CHECK(whole.output.find("can't show 1 socket") != std::string::npos);
  const std::vector<bool> selected{false, true, false, false};
  options.selected = &selected;
  const auto answer = render::render_netstat(result, 0, options);
  CHECK(answer.rows == 1);
  const std::string& text = answer.output;
  CHECK(text.find(":80 ") == std::string::npos);
  CHECK(text.find(":81 ") != std::string::npos);
  CHECK(text.find("unix  ") == std::string::npos);
  CHECK(text.find("can't show") == std::string::npos);
}
