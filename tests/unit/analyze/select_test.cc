#include "analyze/select.h"

#include "support/catch.h"

using namespace ssnap;
using analyze::Selection;

namespace {

model::Socket socket_of(std::uint16_t family, std::uint16_t protocol, std::uint8_t state) {
  model::Socket socket;
  socket.family = family;
  socket.protocol = protocol;
  socket.state = state;
  return socket;
}

}  // namespace

TEST_CASE("switches choose tables, families and states as in ss") {
  const auto tcp_listen = socket_of(2, 6, model::kStateListen);
  const auto tcp6_estab = socket_of(10, 6, model::kStateEstab);
  const auto tcp_time_wait = socket_of(2, 6, model::kStateTimeWait);
  const auto tcp_bound = socket_of(2, 6, model::kStateBoundInactive);
  const auto udp = socket_of(2, 17, model::kStateUnconn);
  const auto udp_connected = socket_of(2, 17, model::kStateEstab);
  const auto raw = socket_of(10, 255, model::kStateUnconn);
  const auto unix_estab = socket_of(1, 1, model::kStateEstab);
  struct Case {
    Selection selection;
    std::vector<bool> expected;  // in the order above
  };
  const std::vector<Case> cases{
      {{}, {true, true, true, true, true, true, true, true}},
      {{.all = true}, {true, true, true, true, true, true, true, true}},
      {{.tables = analyze::kTcp}, {false, true, false, false, false, false, false, false}},
      {{.tables = analyze::kTcp, .all = true}, {true, true, true, true, false, false, false, false}},
      {{.tables = analyze::kTcp, .listening = true}, {true, false, false, false, false, false, false, false}},
      {{.listening = true}, {true, false, false, false, true, false, true, false}},
      {{.tables = analyze::kUdp}, {false, false, false, false, false, true, false, false}},
      {{.tables = analyze::kUdp | analyze::kRaw, .all = true}, {false, false, false, false, true, true, true, false}},
      {{.tables = analyze::kUnix, .all = true}, {false, false, false, false, false, false, false, true}},
      {{.ipv4 = true, .all = true}, {true, false, true, true, true, true, false, false}},
      {{.ipv6 = true, .all = true}, {false, true, false, false, false, false, true, false}},
      {{.ipv4 = true, .ipv6 = true, .all = true}, {true, true, true, true, true, true, true, false}},
      {{.tables = analyze::kUnix, .ipv6 = true, .all = true}, {false, false, false, false, false, false, false, true}},
  };
  const model::Socket* sockets[] = {&tcp_listen,    &tcp6_estab,    &tcp_time_wait, &tcp_bound,
                                    &udp,           &udp_connected, &raw,           &unix_estab};
  for (std::size_t c = 0; c < cases.size(); ++c)
    for (std::size_t i = 0; i < std::size(sockets); ++i) {
      INFO("case " << c << ", socket " << i);
      CHECK(analyze::selects(cases[c].selection, *sockets[i]) == cases[c].expected[i]);
    }
}

TEST_CASE("every table has a switch of its own, and its words for -A") {
  struct Case {
    const char* word;
    std::uint16_t family, protocol;
    std::uint8_t state;
  };
  for (const Case& row : {Case{"dccp", 2, model::kProtocolDccp, model::kStateListen}, Case{"sctp", 10, model::kProtocolSctp, model::kStateEstab},
                          Case{"mptcp", 2, model::kProtocolMptcp, model::kStateEstab}, Case{"raw", 10, model::kProtocolIcmp6, model::kStateUnconn},
                          Case{"udp", 2, model::kProtocolUdplite, model::kStateUnconn}, Case{"unix_dgram", 1, 2, model::kStateUnconn},
                          Case{"u_seq", 1, 5, model::kStateListen}, Case{"p_raw", 17, 3, model::kStateUnconn},
                          Case{"packet_dgram", 17, 2, model::kStateUnconn}, Case{"netlink", 16, 15, model::kStateUnconn},
                          Case{"v_str", 40, 1, model::kStateListen}, Case{"vsock", 40, 5, model::kStateEstab},
                          Case{"xdp", 44, 3, model::kStateUnconn}, Case{"tipc", 30, 4, model::kStateUnconn}}) {
    INFO(row.word);
    const auto socket = socket_of(row.family, row.protocol, row.state);
    const std::uint32_t tables = analyze::tables_of(row.word);
    REQUIRE(tables != 0);
    CHECK(analyze::selects({.tables = tables, .all = true}, socket));
    CHECK(analyze::selects({.tables = analyze::tables_of("all"), .all = true}, socket));
    CHECK_FALSE(analyze::selects({.tables = analyze::tables_of("all") & ~tables, .all = true}, socket));
  }
  CHECK(analyze::tables_of("tcp6") == 0);
  CHECK(analyze::tables_of("") == 0);
  // SMC has no letter: only every table has it.
  const auto smc = socket_of(model::kFamilySmc, 1, model::kStateListen);
  CHECK(analyze::selects({}, smc));
  CHECK_FALSE(analyze::selects({.tables = analyze::tables_of("all"), .all = true}, smc));
  // Families with one state are shown without a state switch, too.
  CHECK(analyze::selects({.tables = analyze::kPacket}, socket_of(17, 3, model::kStateUnconn)));
  CHECK_FALSE(analyze::selects({.tables = analyze::kUdp}, socket_of(2, 17, model::kStateUnconn)));
}

TEST_CASE("-B: bound and inactive, alone or beside the listening ones") {
  const auto bound = socket_of(2, 6, model::kStateBoundInactive), listener = socket_of(2, 6, model::kStateListen);
  CHECK(analyze::selects({.bound_inactive = true}, bound));
  CHECK_FALSE(analyze::selects({.bound_inactive = true}, listener));
  CHECK(analyze::selects({.listening = true, .bound_inactive = true}, bound));
  CHECK(analyze::selects({.listening = true, .bound_inactive = true}, listener));
  CHECK_FALSE(analyze::selects({.tables = analyze::kUdp, .bound_inactive = true}, bound));
}

TEST_CASE("namespaces are chosen by inode or name; the default is the host's own") {
  model::Snapshot snapshot;
  snapshot.namespaces.resize(3);
  snapshot.namespaces[0].inode = 10;
  snapshot.namespaces[0].own = true;
  snapshot.namespaces[1].inode = 11;
  snapshot.namespaces[1].name = "blue";
  snapshot.namespaces[2].inode = 12;
  using List = std::vector<std::uint32_t>;
  CHECK(*analyze::select_namespaces(snapshot, std::nullopt) == List{0});
  CHECK(*analyze::select_namespaces(snapshot, "all") == List{0, 1, 2});
  CHECK(*analyze::select_namespaces(snapshot, "blue") == List{1});
  CHECK(*analyze::select_namespaces(snapshot, "12") == List{2});
  CHECK_FALSE(analyze::select_namespaces(snapshot, "13"));
  CHECK_FALSE(analyze::select_namespaces(snapshot, "unknown"));
  snapshot.namespaces[2].unknown = true;
  CHECK(*analyze::select_namespaces(snapshot, "unknown") == List{2});
  snapshot.namespaces[1].name = "unknown";  // a namespace of that name is one too
  CHECK(*analyze::select_namespaces(snapshot, "unknown") == List{1, 2});
}
