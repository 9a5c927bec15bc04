#include "render/table.h"

#include <algorithm>
#include <sstream>

#include "render/escape.h"
#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using namespace std::string_literals;

namespace {

render::Rows all_rows(const model::Snapshot& snapshot) {
  render::Rows rows{snapshot, {}, snapshot.sockets.size(), 0, 0};
  for (const auto& socket : snapshot.sockets) rows.sockets.push_back(&socket);
  return rows;
}

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
    sctp.details->further_locals = {ip({10, 0, 0, 5}), ip({127, 0, 0, 1})};
    snapshot.sockets.push_back(std::move(sctp));
    CHECK(rows_only(snapshot).find(":53 (2 addresses)  its 2 addresses only  none") != std::string::npos);
    snapshot.sockets[0].details->further_locals[0] = ip({127, 0, 0, 2});
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

TEST_CASE("many owners and many fds are counted, not listed") {
  auto snapshot = scene();
  auto& owners = snapshot.sockets[0].owners;
  owners.clear();
  snapshot.processes.clear();
  for (std::uint32_t i = 0; i < 2500; ++i) {
    snapshot.processes.push_back(process(100 + i, "worker"));
    owners.push_back(owner(i, {3}));
  }
  for (std::uint32_t fd = 4; fd < 5003; ++fd) owners[0].fds.push_back(fd);
  owners[9].origin = model::Origin::creator;
  const auto text = rows_only(snapshot);
  CHECK(text.find("  worker[109] fd 3\n") != std::string::npos);  // who made it comes first
  CHECK(text.find("└ worker[100] fd 3,4,5,6,7,8,9,10 and 4992 more\n") != std::string::npos);
  CHECK(
      text.ends_with("└ worker[106] fd 3\n                                             └ and 2492 more; all "
                     "in --format json\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 9);
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
