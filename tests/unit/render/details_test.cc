#include "render/details.h"

#include "render/summary.h"
#include "render/table.h"
#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using Lines = std::vector<std::string>;

namespace {

const render::Details kEverything{true, true, true, true, true, true, true};

render::Rows rows_of(const model::Snapshot& snapshot) {
  render::Rows rows{snapshot, {}, snapshot.sockets.size(), 0, 0};
  for (const auto& socket : snapshot.sockets) rows.sockets.push_back(&socket);
  return rows;
}

}  // namespace

TEST_CASE("each detail has a line, where the socket has it") {
  auto snap = scene();
  model::Socket& socket = snap.sockets.front();
  CHECK(render::detail_lines(snap, socket, kEverything).empty());
  socket.timer = model::Timer{2, 1500, 1};
  auto& details = *socket.details;
  details.skmeminfo = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  details.congestion = "cu\x1b[bic";
  details.info = {{"rtt", 0, 5}, {"zero", 4, 0}, {"", 8, 7}};
  details.tos = 0x48;
  details.class_id = 6;
  details.cgroup_id = 7;
  details.sockopt = 0x12;
  const Lines expected{"timer keepalive, expires in 1500 ms, 1 retransmission",
                       "memory: received 1 of at most 2, sent 3 of at most 4, forward 5, queued 6, options 7, backlog 8, dropped 9",
                       "info: congestion cu\\x1b[bic; rtt 5",
                       "type of service 72, class or priority 6",
                       "cgroup 7, gone or not mounted",
                       "socket options: is_icsk mc_loop"};
  CHECK(render::detail_lines(snap, socket, kEverything) == expected);
  snap.cgroups[7] = "/a\n";
  CHECK(render::detail_lines(snap, socket, {.cgroups = true}) == Lines{"cgroup /a\\x0a"});
  CHECK(render::detail_lines(snap, socket, {}).empty());
  details.packet = std::make_unique<model::PacketDetails>();
  details.packet->filter = {{40, 0, 0, 12}, {6, 0, 255, 1}};
  CHECK(render::detail_lines(snap, socket, {.filters = true}) == Lines{"filter of 2 instructions: 40 0 0 12; 6 0 255 1"});
  details.packet->filter->clear();
  CHECK(render::detail_lines(snap, socket, {.filters = true}) == Lines{"filter: there is one, that could not be seen"});
}

TEST_CASE("details stand below the owners, or with -O beside them") {
  auto snap = scene();
  snap.sockets.front().details->tos = 3;
  render::Style style;
  style.header = false;
  style.details.tos = true;
  const std::string text = render::render_table(rows_of(snap), style);
  CHECK(text.find("\n") != text.size() - 1);
  CHECK(text.find("type of service 3") > text.find("sh[81]"));
  style.one_line = true;
  const std::string line = render::render_table(rows_of(snap), style);
  CHECK(line.find('\n') == line.size() - 1);
  CHECK(line.find("python3[80] fd 37; sh[81] fd 38, inherited from 80; type of service 3") != std::string::npos);
  CHECK(line.find("0/100") != std::string::npos);
  style.queues = false;
  CHECK(render::render_table(rows_of(snap), style).find("0/100") == std::string::npos);
}

TEST_CASE("-s counts protocols and states") {
  auto snap = scene();
  snap.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80));
  snap.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateEstab, any_v4(), 80));
  snap.sockets.push_back(unix_socket(model::kSocketStream, model::kStateEstab, model::UnixName::Kind::none, ""));
  snap.sockets.push_back(other_socket(99, 98, model::View::packet_diag));
  CHECK(render::render_summary(rows_of(snap)) ==
        "5 sockets\n  tcp 3: 1 ESTAB, 2 LISTEN\n  unix stream 1: 1 ESTAB\n  family-99 proto-98 1: 1 UNCONN\n");
  CHECK(render::render_summary({snap, {}, 0, 0, 0}) == "0 sockets\n");
}
