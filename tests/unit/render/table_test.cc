#include "render/table.h"

#include <algorithm>
#include <sstream>

#include "render/escape.h"
#include "support/catch.h"
#include "unit/render/rows.h"

using namespace ssnap;
using namespace ssnap::test;
using namespace std::string_literals;

namespace {

std::string rows_only(const model::Snapshot& snapshot, std::optional<int> width = {}) {
  render::Style style;
  style.header = false;
  style.width = width;
  return render::render_table(all_rows(snapshot), style);
}

}  // namespace

TEST_CASE("the scene: parent and child hold one listener") {
  auto snapshot = scene();
  snapshot.namespaces.push_back({4026532000, "blue", "netns file", false});
  snapshot.namespaces.push_back({4026532001, "", "process", false});
  auto local = inet_socket(model::kProtocolTcp, model::kStateListen, ip({127, 0, 0, 1}), 5432);
  local.recv_queue = 0;
  local.send_queue = 128;
  snapshot.processes.push_back(process(412, "postgres"));
  local.owners.push_back(created(2, {6}));
  snapshot.sockets.push_back(std::move(local));
  auto rows = all_rows(snapshot);
  rows.total = 214;
  rows.in_other_namespaces = 12;
  rows.other_namespaces = 2;
  CHECK(render::render_table(rows, {}) ==
        "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · this namespace of 3 · 61 of 61 processes read · "
        "smear 38 ms\n"
        "\n"
        "STATE   QUEUE  LOCAL           REACH              OWNERS\n"
        "LISTEN  0/100  [::]:8080       everywhere, v4+v6  python3[80] fd 37\n"
        "                                                  └ sh[81] fd 38, inherited from 80\n"
        "LISTEN  0/128  127.0.0.1:5432  this host only     postgres[412] fd 6\n"
        "\n"
        "2 of 214 sockets shown. 12 sockets in 2 other namespaces: --netns all. No gaps.\n");
}

TEST_CASE("how far a listener reaches") {
  const auto reach = [](base::IpAddress address, std::uint32_t interface, std::optional<bool> v6only,
                        std::uint16_t protocol = model::kProtocolTcp) {
    auto snapshot = test::snapshot();
    auto socket = inet_socket(
        protocol, protocol == model::kProtocolTcp ? model::kStateListen : model::kStateUnconn, address, 53);
    socket.local.interface_index = interface;
    socket.details = std::make_unique<model::SocketDetails>();
    socket.details->v6only = v6only;
    snapshot.sockets.push_back(std::move(socket));
    const auto text = rows_only(snapshot);
    const auto begin = text.find(":53") + 5;
    return text.substr(begin, text.find("  none") - begin);
  };
  const auto link_local = ip({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  const auto loopback6 = ip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  const auto mapped_any = ip({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0});
  CHECK(reach(any_v6(), 0, false) == "everywhere, v4+v6");
  CHECK(reach(any_v6(), 0, true) == "everywhere, v6");
  CHECK(reach(any_v6(), 0, std::nullopt) == "everywhere, v6, perhaps v4");
  CHECK(reach(any_v4(), 0, std::nullopt) == "everywhere, v4");
  CHECK(reach(mapped_any, 0, false) == "everywhere, v4");
  CHECK(reach(ip({127, 0, 0, 1}), 0, {}) == "this host only");
  CHECK(reach(ip({127, 9, 9, 9}), 0, {}, model::kProtocolUdp) == "this host only");
  CHECK(reach(loopback6, 0, {}) == "this host only");
  CHECK(reach(any_v4(), 1, {}) == "this host only");
  CHECK(reach(any_v4(), 2, {}) == "on eth0, v4");
  CHECK(reach(any_v6(), 9, false) == "on if9, v4+v6");
  CHECK(reach(ip({10, 0, 0, 5}), 0, {}) == "10.0.0.5 only");
  CHECK(reach(ip({10, 0, 0, 5}), 2, {}) == "10.0.0.5 only, on eth0");
  CHECK(reach(link_local, 2, {}) == "link-local on eth0");
  CHECK(reach(link_local, 0, {}) == "link-local only");
  {
    auto snapshot = test::snapshot();
    auto sctp = inet_socket(model::kProtocolSctp, model::kStateListen, ip({10, 0, 0, 5}), 53);
    sctp.details = std::make_unique<model::SocketDetails>();
    sctp.details->rare.make().further_locals = {ip({10, 0, 0, 5}), ip({127, 0, 0, 1})};
    snapshot.sockets.push_back(std::move(sctp));
    CHECK(rows_only(snapshot).find(":53 (2 addresses)  its 2 addresses only  none") != std::string::npos);
    snapshot.sockets[0].details->rare.make().further_locals[0] = ip({127, 0, 0, 2});
    CHECK(rows_only(snapshot).find("  this host only  none") != std::string::npos);
    // Its table shows an SMC socket at :: as 0.0.0.0.
    auto smc = inet_socket(model::kSocketStream, model::kStateListen, any_v4(), 53);
    smc.family = model::kFamilySmc;
    snapshot.sockets[0] = std::move(smc);
    CHECK(rows_only(snapshot).find(":53  everywhere  none") != std::string::npos);
  }
  CHECK(reach(ip({224, 0, 0, 251}), 0, {}, model::kProtocolUdp) == "group 224.0.0.251");
}

TEST_CASE("every kind of row, with a protocol column and a peer") {
  auto result = scene();
  auto established = inet_socket(model::kProtocolTcp, model::kStateEstab, ip({10, 0, 0, 5}), 443);
  established.peer = {ip({203, 0, 113, 7}), 50001, 0, {}};
  established.recv_queue = 0;
  established.uid = 33;
  established.owners.push_back(owner(0, {3, 4}));
  result.sockets.push_back(std::move(established));
  auto time_wait = inet_socket(model::kProtocolTcp, model::kStateTimeWait, ip({10, 0, 0, 5}), 443);
  time_wait.peer = {ip({203, 0, 113, 7}), 50002, 0, {}};
  time_wait.ownerless_reason =
      model::OwnerlessReason{model::OwnerlessCode::time_wait, "the kernel keeps only the address pair"};
  result.sockets.push_back(std::move(time_wait));
  auto raw = inet_socket(model::kProtocolRaw, model::kStateUnconn, any_v4(), 0);
  raw.details = std::make_unique<model::SocketDetails>();
  raw.details->raw_protocol = 89;
  raw.owners.push_back(owner(0, {9}));
  raw.owners[0].origin = model::Origin::passed;
  raw.owners[0].from = 1;
  raw.owners[0].certainty = model::Certainty::possible;
  raw.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::unexplained, ""};
  result.sockets.push_back(std::move(raw));
  auto abstract = unix_socket(model::kSocketSeqpacket, model::kStateEstab,
                              model::UnixName::Kind::abstract_name, "a\x1b\\"s);
  abstract.peer_inode = 99;
  abstract.peer_name = {model::UnixName::Kind::path, "/run/x"};
  result.sockets.push_back(std::move(abstract));
  CHECK(rows_only(result) ==
        "tcp             LISTEN     0/100  [::]:8080                        everywhere, v4+v6  python3[80] "
        "fd 37\n"
        "                                                                                      └ sh[81] fd "
        "38, inherited from 80\n"
        "tcp             ESTAB      0/-    10.0.0.5:443  203.0.113.7:50001                     python3[80] "
        "fd 3,4\n"
        "tcp             TIME-WAIT         10.0.0.5:443  203.0.113.7:50002                     none: "
        "time-wait (the kernel keeps only the address pair)\n"
        "raw             UNCONN            0.0.0.0:ospf                                        none: "
        "unexplained\n"
        "                                                                                      └ possibly "
        "python3[80] fd 9, passed by 81\n"
        "unix seqpacket  ESTAB             @a\\x1b\\\\      /run/x inode 99                       none\n");
  render::Style style;
  style.extended = true;
  style.netns_column = true;
  style.owners = false;
  result.sockets.resize(2);
  CHECK(render::render_table(all_rows(result), style)
            .find("NETNS  STATE   QUEUE  LOCAL         PEER               REACH              USER          "
                  "INODE  COOKIE\n"
                  "own    LISTEN  0/100  [::]:8080                        everywhere, v4+v6  root(0)       "
                  "4711   4660\n"
                  "own    ESTAB   0/-    10.0.0.5:443  203.0.113.7:50001                     www-data(33)  - "
                  "     -\n") != std::string::npos);
}

TEST_CASE("rows of every family") {
  auto snapshot = test::snapshot();
  add_every_family(snapshot);
  snapshot.namespaces.push_back({4026532000, "", "process 12", false});
  snapshot.sockets[1].netns = 1;
  snapshot.sockets[1].local.interface_index = 2;  // which has no name there
  render::Style style;
  style.owners = false;
  style.netns_column = true;
  const auto text = render::render_table(all_rows(snapshot), style);
  const auto begin = text.find("NETNS");
  CHECK(text.substr(begin, text.rfind("\n\n") + 1 - begin) ==
        "NETNS       PROTO            STATE   SEEN  QUEUE  LOCAL                        PEER                         REACH\n"
        "own         packet raw       UNCONN  came         all on eth0, promiscuous\n"
        "4026532000  packet dgram     UNCONN               lldp on if2\n"
        "own         netlink route    UNCONN               route:4711, 2 groups         kernel\n"
        "own         netlink uevent   UNCONN               uevent:kernel\n"
        "own         vsock stream     LISTEN               *:1024\n"
        "own         vsock stream     ESTAB                2:1024                       3:4000000000\n"
        "own         xdp raw          UNCONN               eth0 queue 3\n"
        "own         tipc rdm         UNCONN               16781313:3000000000\n"
        "own         smc stream       LISTEN               10.0.0.5:443                                              10.0.0.5 only\n"
        "own         sctp             ESTAB                10.0.0.5:2905 (2 addresses)  10.0.0.6:2906 (2 addresses)\n"
        "own         dccp             LISTEN               0.0.0.0:5001                                              everywhere, v4\n"
        "own         mptcp            ESTAB   went         10.0.0.5:8443                10.0.0.6:40000\n"
        "own         udplite          UNCONN               0.0.0.0:6000                                              everywhere, v4\n"
        "own         icmp             UNCONN               0.0.0.0:17\n"
        "own         netlink generic  UNCONN\n"
        "own         packet raw       UNCONN               0xbeef on if77\n");
  // A mark is shown where a row has one.
  for (auto& socket : snapshot.sockets) socket.presence = model::Presence::throughout;
  CHECK(render::render_table(all_rows(snapshot), style).find("SEEN") == std::string::npos);
}

TEST_CASE("owners that differ in nothing but the pid are one line") {
  auto snapshot = scene();
  auto& owners = snapshot.sockets[0].owners;
  owners.clear();
  snapshot.processes.clear();
  snapshot.processes.push_back(process(100, "nginx"));
  owners.push_back(created(0, {6}));
  for (std::uint32_t i = 1; i <= 2500; ++i) {
    snapshot.processes.push_back(process(100 + i, "nginx", 100));
    owners.push_back(inherited(i, {6}, 0));
  }
  const auto text = rows_only(snapshot);
  CHECK(text ==
        "LISTEN  0/100  [::]:8080  everywhere, v4+v6  nginx[100] fd 6\n"
        "                                             └ 2,500 x nginx[101 … 2600] fd 6, inherited from 100\n");
  // Another name, another fd, another origin, another certainty: each is another line.
  snapshot.processes[1].comm = "old";
  owners[2].fds = {6, 7};
  owners[3].origin_certainty = model::Certainty::possible;
  owners[4].origin = model::Origin::passed;
  owners[5].certainty = model::Certainty::probable;
  snapshot.processes[6].exe_deleted = true;
  CHECK(rows_only(snapshot) ==
        "LISTEN  0/100  [::]:8080  everywhere, v4+v6  nginx[100] fd 6\n"
        "                                             └ old[101] fd 6, inherited from 100\n"
        "                                             └ nginx[102] fd 6,7, inherited from 100\n"
        "                                             └ nginx[103] fd 6, possibly inherited from 100\n"
        "                                             └ nginx[104] fd 6, passed by 100\n"
        "                                             └ probably nginx[105] fd 6, inherited from 100\n"
        "                                             └ nginx[106] fd 6, inherited from 100 (executable deleted)\n"
        "                                             └ 2,494 x nginx[107 … 2600] fd 6, inherited from 100\n");
  // Two are no crowd.
  owners.resize(3);
  owners[2].fds = {6};
  snapshot.processes[1].comm = "nginx";
  CHECK(rows_only(snapshot).ends_with("└ nginx[101] fd 6, inherited from 100\n"
                                      "                                             └ nginx[102] fd 6, inherited from 100\n"));
}

TEST_CASE("many different owners and many fds are counted, not listed") {
  auto snapshot = scene();
  auto& owners = snapshot.sockets[0].owners;
  owners.clear();
  snapshot.processes.clear();
  for (std::uint32_t i = 0; i < 2500; ++i) {
    snapshot.processes.push_back(process(100 + i, "worker"));
    owners.push_back(owner(i, {i}));
  }
  for (std::uint32_t fd = 4; fd < 5003; ++fd) owners[0].fds.push_back(fd);
  owners[9].origin = model::Origin::creator;
  const auto text = rows_only(snapshot);
  CHECK(text.find("  worker[109] fd 9\n") != std::string::npos);  // who made it comes first
  CHECK(text.find("└ worker[100] fd 0,4,5,6,7,8,9,10 and 4992 more\n") != std::string::npos);
  CHECK(text.ends_with("└ worker[106] fd 6\n                                             └ and 2,492 more; all "
                       "in --format json\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 9);
}

TEST_CASE("each way to hold a socket, and what is odd about who does") {
  const auto line = [](auto change) {
    auto snapshot = scene();
    snapshot.sockets[0].owners.erase(snapshot.sockets[0].owners.begin());
    change(snapshot.sockets[0].owners[0], snapshot.processes[1]);
    const auto text = rows_only(snapshot);
    const auto begin = text.find("v4+v6") + 7;
    return text.substr(begin, text.find('\n') - begin);
  };
  using model::Owner;
  using model::Process;
  using model::Via;
  CHECK(line([](Owner& owner, Process&) { owner.fds = {3, 7}; }) == "sh[81] fd 3,7, inherited from 80");
  CHECK(line([](Owner& owner, Process&) { owner.from.reset(); }) == "sh[81] fd 38, inherited");
  CHECK(line([](Owner& owner, Process&) {
          owner.via = Via::thread_fd;
          owner.tid = 82;
          owner.origin = model::Origin::unknown;
        }) == "sh[81] fd 38 of thread 82's own table");
  CHECK(line([](Owner& owner, Process&) {
          owner.via = Via::io_uring;
          owner.registered_files = {0};
          owner.origin = model::Origin::passed;
        }) == "sh[81] in an io_uring, fd 38, registered file 0, passed by 80");
  CHECK(line([](Owner& owner, Process&) {
          owner.via = Via::io_uring;
          owner.registered_files = {0, 9};
          owner.certainty = model::Certainty::possible;
        }) == "possibly sh[81] in an io_uring, fd 38, registered files 0,9, inherited from 80");
  CHECK(line([](Owner& owner, Process&) {
          owner.via = Via::mmap;
          owner.origin = model::Origin::unknown;
        }) == "sh[81] mapped into its memory");
  CHECK(line([](Owner& owner, Process&) {
          owner.via = Via::in_flight;
          owner.certainty = model::Certainty::possible;
          owner.origin = model::Origin::unknown;
        }) == "possibly sh[81] in a message waiting at fd 38");
  CHECK(line([](Owner& owner, Process&) {
          owner.via = Via::listener;
          owner.origin = model::Origin::unknown;
        }) == "sh[81] in its accept queue");
  CHECK(line([](Owner&, Process& process) {
          process.exe_deleted = process.exe_memfd = process.zombie = true;
          process.living_thread = 82;
        }) == "sh[81] fd 38, inherited from 80 (executable in memory only, leader exited, thread 82 lives)");
  CHECK(line([](Owner&, Process& process) {
          process.zombie = true;
          process.mounted_over = "/proc/\x1b" "81";
        }) == "sh[81] fd 38, inherited from 80 (ended, not waited for, hidden by a mount over /proc/\\x1b81)");
}

TEST_CASE("-e: as whom owners run, where, and what their origin is concluded from") {
  auto snapshot = scene();
  auto& owners = snapshot.sockets[0].owners;
  auto& shell = snapshot.processes[1];
  shell.uid = 0;
  shell.euid = 33;
  shell.container = model::Container{"docker", std::string(63, 'a') + '\x1b'};
  shell.pod_uid = "6f96\n";
  shell.unit = "x\xff.service";
  model::add_clue(owners[1], model::Clue::ancestor_holds);
  model::add_clue(owners[1], model::Clue::other_fd);
  snapshot.processes[0].unit = "y.scope";
  snapshot.processes[0].user_unit = true;
  snapshot.processes[0].exe_deleted = true;
  model::add_clue(owners[0], model::Clue::others_descend);
  render::Style style;
  style.extended = true;
  const auto text = render::render_table(all_rows(snapshot), style);
  CHECK(text.find("  root(0)  4711   4660    python3[80] fd 37, user unit y.scope (executable deleted; creator, probable: "
                  "others-descend)\n") != std::string::npos);
  CHECK(text.find("└ sh[81] fd 38, inherited from 80, runs as www-data(33), docker aaaaaaaaaaaa, pod 6f96\\x0a, unit "
                  "x\\xff.service (probable: ancestor-holds, other-fd)\n") != std::string::npos);
  snapshot.sockets[0].uid.reset();
  snapshot.sockets[0].owners.clear();
  snapshot.sockets[0].ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::kernel, "vxlan vx0"};
  CHECK(render::render_table(all_rows(snapshot), style).find("  -     4711   4660    none: kernel (vxlan vx0)\n") !=
        std::string::npos);
}

TEST_CASE("the process at the other end stands beside its address") {
  auto snapshot = scene();
  const auto loopback = ip({127, 0, 0, 1});
  const auto connect = [&](std::uint16_t port, std::uint16_t to, std::uint32_t holder) {
    auto socket = inet_socket(model::kProtocolTcp, model::kStateEstab, loopback, port);
    socket.peer = {loopback, to, 0, {}};
    socket.owners.push_back(owner(holder, {3}));
    snapshot.sockets.push_back(std::move(socket));
  };
  connect(5432, 40000, 0);
  connect(40000, 5432, 1);
  snapshot.sockets[1].links = {{2, model::Tie::peer, {}}};
  snapshot.sockets[2].links = {{1, model::Tie::peer, {}}, {0, model::Tie::parent, {}}, {77, model::Tie::client, {}}};
  snapshot.sockets[1].owners.push_back(owner(1, {4}));
  snapshot.sockets.push_back(unix_socket(model::kSocketStream, model::kStateEstab, model::UnixName::Kind::none, ""));
  snapshot.sockets[3].links = {{0, model::Tie::listener, {}}};
  // Whose queue it waits in is this end's owner.
  snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateEstab, loopback, 8080));
  snapshot.sockets[4].links = {{0, model::Tie::listener, {}}};
  const auto text = rows_only(snapshot);
  CHECK(text.find("  127.0.0.1:5432   127.0.0.1:40000 (sh[81])                ") != std::string::npos);
  CHECK(text.find("  127.0.0.1:40000  127.0.0.1:5432 (python3[80] and 1 more)  ") != std::string::npos);
  CHECK(text.find("(python3[80] and 1 more)", text.find("unix stream")) != std::string::npos);
  CHECK(text.substr(text.rfind("127.0.0.1:8080")).find('[') == std::string::npos);
}

TEST_CASE("what is missing is said") {
  auto snapshot = scene();
  auto rows = all_rows(snapshot);
  const auto last_line = [&] {
    auto text = render::render_table(rows, {});
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  };
  CHECK(last_line() == "1 socket shown. No gaps.");
  rows.sockets.clear();
  CHECK(last_line() == "No socket of 1 matches. No gaps.");
  rows.total = 0;
  CHECK(last_line() == "No sockets: the snapshot holds none here. No gaps.");
  model::Gap gap;
  gap.kind = base::OutcomeKind::vanished;
  gap.pid = 7;
  gap.count = 3;
  snapshot.gaps.push_back(gap);
  CHECK(last_line() ==
        "No sockets: the snapshot holds none here. No gaps (3 links of 1 process vanished: ssnap info "
        "SNAPSHOT lists them).");
  gap.kind = base::OutcomeKind::denied;
  gap.count = 250;
  snapshot.gaps.push_back(gap);
  gap.pid.reset();
  gap.kind = base::OutcomeKind::timeout;
  gap.count = 1;
  snapshot.gaps.push_back(gap);
  snapshot.problems.push_back({"proc/net/tcp", 0, "x"});
  CHECK(last_line() ==
        "No sockets: the snapshot holds none here. 2 gaps: 250 links of 1 process denied, 1 source timeout "
        "(and 3 links of "
        "1 process vanished): ssnap info SNAPSHOT lists them. 1 place of the snapshot could not be read: "
        "ssnap info "
        "SNAPSHOT.");
  snapshot.capture.incomplete = true;
  snapshot.capture.status = "cut";
  snapshot.capture.status_detail = "at byte\n9";
  render::Style style;
  style.colour = true;
  CHECK(render::render_table(rows, style)
            .find("\n\x1b[1mINCOMPLETE: the archive breaks off before its end (at byte\\x0a9). What is not "
                  "listed here may still "
                  "have been there.\x1b[0m\n\n") != std::string::npos);
  // An empty snapshot has no head to show.
  const model::Snapshot empty;
  CHECK(render::render_table(all_rows(empty), {}) == "No sockets: the snapshot holds none here. No gaps.\n");
}

TEST_CASE("lines fit the terminal, and nothing is cut") {
  auto snapshot = scene();
  auto established = inet_socket(
      model::kProtocolTcp, model::kStateEstab,
      ip({0xfd, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc}),
      65000);
  established.peer = established.local;
  established.owners.push_back(owner(0, {3}));
  snapshot.sockets.push_back(std::move(established));
  snapshot.sockets.push_back(
      unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::path,
                  "/run/a/path/that/is/longer/than/any/narrow/terminal/could/show/on/a/line"));
  auto time_wait = inet_socket(model::kProtocolTcp, model::kStateTimeWait, ip({10, 0, 0, 5}), 443);
  time_wait.ownerless_reason =
      model::OwnerlessReason{model::OwnerlessCode::time_wait, "the kernel keeps only the address pair"};
  snapshot.sockets.push_back(std::move(time_wait));
  const auto words = [](const std::string& text) {
    std::istringstream in(text);
    std::string out;
    for (std::string word; in >> word;) out += word + ' ';
    return out;
  };
  const auto unlimited = words(rows_only(snapshot));
  for (const int width : {1, 20, 40, 60, 80, 100, 120, 200}) {
    const auto text = rows_only(snapshot, width);
    CHECK(words(text) == unlimited);  // every word, in order, none merged
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const auto begin = line.find_first_not_of(' ');
      REQUIRE(begin != std::string::npos);
      // Wider than the terminal only where a single word is (with the mark before it), or where the blank
      // between a state and its neighbours would be lost.
      const auto body = line.substr(begin);
      const bool one_word = body.find(' ', body.starts_with("└ ") ? 4 : 0) == std::string::npos;
      if (width >= 40 && !one_word) CHECK(render::display_width(line) <= width);
      CHECK(line.back() != ' ');
    }
  }
}

TEST_CASE("the scene on narrow terminals") {
  const auto narrow = scene();
  render::Style style;
  style.width = 60;
  CHECK(render::render_table(all_rows(narrow), style) ==
        "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · 61 of 61\n"
        "processes read · smear 38 ms\n"
        "\n"
        "STATE   QUEUE  LOCAL      REACH\n"
        "    OWNERS\n"
        "LISTEN  0/100  [::]:8080  everywhere, v4+v6\n"
        "    python3[80] fd 37\n"
        "    └ sh[81] fd 38, inherited from 80\n"
        "\n"
        "1 socket shown. No gaps.\n");
  style.width = 80;
  style.header = false;
  CHECK(render::render_table(all_rows(narrow), style) ==
        "LISTEN  0/100  [::]:8080  everywhere, v4+v6  python3[80] fd 37\n"
        "                                             └ sh[81] fd 38, inherited from 80\n");
}

TEST_CASE("hostile names stay in their place") {
  auto snapshot = scene();
  const auto hostile = "\x1b[2J\n\xe2\x80\xae\xff\tx"s;
  snapshot.host.nodename = snapshot.host.kernel = snapshot.host.machine = hostile;
  snapshot.namespaces[0].name = hostile;
  snapshot.interfaces[{0, 2}] = hostile;
  snapshot.users[0] = hostile;
  snapshot.processes[0].comm = hostile;
  snapshot.sockets[0].local.interface_index = 2;
  snapshot.sockets[0].ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::kernel, hostile};
  auto named = unix_socket(1, 1, model::UnixName::Kind::path, hostile);
  named.peer_name = named.name;
  snapshot.sockets.push_back(std::move(named));
  snapshot.capture.incomplete = true;
  snapshot.capture.status_detail = hostile;
  render::Style style;
  style.extended = style.netns_column = true;
  const auto text = render::render_table(all_rows(snapshot), style);
  CHECK(std::none_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\n') || c == 0x7f || c == 0xff; }));
  CHECK(text.find("\xe2\x80\xae") == std::string::npos);
  CHECK(text.find("\\x1b[2J\\x0a\\u{202e}\\xff\\x09x[80] fd 37") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') == 10);
}
