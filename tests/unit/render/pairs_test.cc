#include "render/pairs.h"

#include <algorithm>
#include <boost/json.hpp>

#include "render/json.h"
#include "support/catch.h"
#include "unit/render/rows.h"

namespace json = boost::json;
using namespace ssnap;
using namespace ssnap::test;
using namespace std::string_literals;
using model::Tie;

namespace {

const auto kLoopback = ip({127, 0, 0, 1});

std::string pairs_of(const model::Snapshot& snapshot) {
  render::Style style;
  style.header = false;
  return render::render_pairs(all_rows(snapshot), style);
}

// A socket of `holder`; its index.
std::uint32_t add(model::Snapshot& snapshot, model::Socket socket, std::vector<std::uint32_t> holders) {
  for (const std::uint32_t holder : holders) socket.owners.push_back(owner(holder, {3}));
  snapshot.sockets.push_back(std::move(socket));
  return static_cast<std::uint32_t>(snapshot.sockets.size() - 1);
}

model::Socket tcp(std::uint16_t port, std::uint8_t state = model::kStateEstab) {
  return inet_socket(model::kProtocolTcp, state, kLoopback, port);
}
model::Socket stream(std::string name) {
  const auto kind = name.empty() ? model::UnixName::Kind::none : model::UnixName::Kind::path;
  return unix_socket(model::kSocketStream, model::kStateEstab, kind, std::move(name));
}

void tie(model::Snapshot& snapshot, std::uint32_t from, std::uint32_t to, Tie one, Tie other) {
  snapshot.sockets[from].links.push_back({to, one, model::Certainty::certain});
  snapshot.sockets[to].links.push_back({from, other, model::Certainty::certain});
}

// postgres[412] 0, psql[77] 1, sh[81] 2.
model::Snapshot people() {
  auto snapshot = test::snapshot();
  snapshot.processes.push_back(process(412, "postgres"));
  snapshot.processes.push_back(process(77, "psql"));
  snapshot.processes.push_back(process(81, "sh"));
  return snapshot;
}

}  // namespace

TEST_CASE("pairs: the client stands left, whichever socket comes first") {
  for (const bool server_first : {false, true}) {
    auto snapshot = people();
    std::uint32_t server = 0, client = 0;
    if (server_first) server = add(snapshot, tcp(5432), {0});
    client = add(snapshot, tcp(51432), {1});
    if (!server_first) server = add(snapshot, tcp(5432), {0});
    tie(snapshot, client, server, Tie::peer, Tie::peer);
    CHECK(pairs_of(snapshot) == "tcp  psql[77] fd 3  127.0.0.1:51432  ->  postgres[412] fd 3  127.0.0.1:5432  ESTAB\n");
    // A server may listen at the higher port.
    add(snapshot, tcp(51432, model::kStateListen), {1});
    CHECK(pairs_of(snapshot) == "tcp  postgres[412] fd 3  127.0.0.1:5432  ->  psql[77] fd 3  127.0.0.1:51432  ESTAB\n");
    // In another namespace that says nothing.
    snapshot.namespaces.push_back({4026532000, "blue", "", false});
    snapshot.sockets.back().netns = 1;
    CHECK(pairs_of(snapshot).starts_with("tcp  psql[77]"));
  }
}

TEST_CASE("pairs: one line each for every kind of tie") {
  auto snapshot = people();
  snapshot.namespaces.push_back({4026532000, "blue", "", false});
  // TCP from another namespace, half closed, its holder only possible.
  const auto a = add(snapshot, tcp(40000, model::kStateFinWait2), {1});
  const auto b = add(snapshot, tcp(80, model::kStateCloseWait), {0, 2});
  snapshot.sockets[a].netns = 1;
  snapshot.sockets[a].owners[0].certainty = model::Certainty::possible;
  snapshot.sockets[b].owners[1].origin = model::Origin::creator;
  tie(snapshot, b, a, Tie::peer, Tie::peer);
  // A UNIX client, known by one side and surer by the other.
  const auto c = add(snapshot, stream(""), {2}), d = add(snapshot, stream("/run/x"), {0});
  tie(snapshot, d, c, Tie::peer, Tie::peer);
  snapshot.sockets[c].links[0].certainty = model::Certainty::possible;
  // A socketpair, a datagram client, one that waits, and nobody at the other end.
  const auto e = add(snapshot, stream(""), {1}), f = add(snapshot, stream(""), {2});
  tie(snapshot, e, f, Tie::peer, Tie::peer);
  auto log = stream("/dev/log");
  log.protocol = model::kSocketDgram;
  auto logger = stream("");
  logger.protocol = model::kSocketDgram;
  const auto g = add(snapshot, std::move(log), {0}), h = add(snapshot, std::move(logger), {1});
  tie(snapshot, g, h, Tie::client, Tie::server);
  const auto i = add(snapshot, tcp(90, model::kStateListen), {0}), j = add(snapshot, tcp(90), {});
  snapshot.sockets[j].peer.port = 41000;
  snapshot.sockets[j].ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::orphan, ""};
  tie(snapshot, i, j, Tie::pending, Tie::listener);
  snapshot.sockets[i].links[0].certainty = snapshot.sockets[j].links[0].certainty = model::Certainty::probable;
  // No two ends: subflows, and links that lead nowhere.
  tie(snapshot, a, c, Tie::parent, Tie::subflow);
  snapshot.sockets[a].links.push_back({99, Tie::peer, {}});
  CHECK(render::render_pairs(all_rows(snapshot), {}) ==
        "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · all 2 namespaces · 61 of 61 processes read · smear 38 ms\n"
        "\n"
        "PROTO        A                       ADDRESS                      B                       ADDRESS       STATE\n"
        "tcp          possibly psql[77] fd 3  127.0.0.1:40000 in blue  ->  sh[81] fd 3 and 1 more  127.0.0.1:80  "
        "FIN-WAIT-2/CLOSE-WAIT\n"
        "unix stream  sh[81] fd 3                                      ->  postgres[412] fd 3      /run/x        ESTAB\n"
        "unix stream  psql[77] fd 3                                    ↔   sh[81] fd 3                           ESTAB\n"
        "unix dgram   psql[77] fd 3                                    ->  postgres[412] fd 3      /dev/log      ESTAB\n"
        "tcp          none: orphan            127.0.0.1:90             ->  postgres[412] fd 3      127.0.0.1:90  "
        "ESTAB/LISTEN           probably, waits to be accepted\n"
        "\n"
        "5 pairs on this host, of 10 sockets. No gaps.\n");
  render::Rows rows = all_rows(snapshot);
  CHECK(render::find_pairs(rows).size() == 5);
  // One selected end is enough; none is none.
  rows.sockets = {&snapshot.sockets[g]};
  const auto found = render::find_pairs(rows);
  REQUIRE(found.size() == 1);
  CHECK((found[0].a == h && found[0].b == g && found[0].tie == Tie::server && found[0].directed));
  rows.sockets.clear();
  CHECK(render::render_pairs(rows, {}).ends_with("\n\nNo pair of sockets on this host among 0 sockets. No gaps.\n"));
}

TEST_CASE("pairs of the same processes are one line, and JSON has them all") {
  auto snapshot = people();
  snapshot.users.clear();
  for (std::uint16_t i = 0; i < 40; ++i) {
    const auto server = add(snapshot, tcp(5432), {0});
    const auto client = add(snapshot, tcp(static_cast<std::uint16_t>(50000 + i)), {i == 7 ? 2u : 1u});
    tie(snapshot, server, client, Tie::peer, Tie::peer);
  }
  for (int i = 0; i < 3; ++i) {
    const auto one = add(snapshot, stream(""), {1}), other = add(snapshot, stream(""), {1});
    tie(snapshot, one, other, Tie::peer, Tie::peer);
  }
  CHECK(pairs_of(snapshot) ==
        "tcp          psql[77]     127.0.0.1:*      ->  postgres[412]       127.0.0.1:5432  ESTAB  x 39\n"
        "tcp          sh[81] fd 3  127.0.0.1:50007  ->  postgres[412] fd 3  127.0.0.1:5432  ESTAB\n"
        "unix stream  psql[77]                      ↔   psql[77]                            ESTAB  x 3\n");
  const auto root = json::parse(render::render_json(all_rows(snapshot), true));
  const auto& pairs = root.at("pairs").as_array();
  CHECK(pairs.size() == 43);
  CHECK(json::serialize(pairs[0].at("a").at("local")) == R"({"address":"127.0.0.1","port":50000})");
  CHECK(json::serialize(root.at_pointer("/pairs/0/b")) ==
        R"({"netns":4026531840,"family":"inet","protocol":"tcp","state":"ESTAB",)"
        R"("local":{"address":"127.0.0.1","port":5432},"owners":[{"pid":412,"start_ticks":41200,)"
        R"("start_time":"2026-11-21T19:46:52.000Z","comm":"postgres","cmdline":["postgres"],"fds":[3],"via":"fd",)"
        R"("certainty":"certain","origin":"unknown"}]})");
  CHECK(pairs[0].at("directed").as_bool());
  CHECK(!pairs[42].at("directed").as_bool());
  CHECK(pairs[42].at("tie").as_string() == "peer");
  CHECK(!json::parse(render::render_json(all_rows(snapshot))).as_object().contains("pairs"));
}

TEST_CASE("pairs: other families, and a socket that is its own peer") {
  auto snapshot = people();
  auto guest = other_socket(model::kFamilyVsock, model::kSocketStream, model::View::vsock_diag);
  guest.local = {{}, 2049, 0, 1};
  auto host = other_socket(model::kFamilyVsock, model::kSocketStream, model::View::vsock_diag);
  host.local = {{}, 1024, 0, 1};
  const auto a = add(snapshot, std::move(host), {0}), b = add(snapshot, std::move(guest), {1});
  tie(snapshot, a, b, Tie::peer, Tie::peer);
  auto one = other_socket(model::kFamilyNetlink, 2, model::View::netlink_diag);
  one.local.port = 11;
  auto other = other_socket(model::kFamilyNetlink, 2, model::View::netlink_diag);
  other.local.port = 22;
  const auto c = add(snapshot, std::move(one), {0}), d = add(snapshot, std::move(other), {1});
  tie(snapshot, d, c, Tie::peer, Tie::peer);
  const auto self = add(snapshot, tcp(7), {2});
  snapshot.sockets[self].links = {{self, Tie::peer, model::Certainty::certain}};
  CHECK(pairs_of(snapshot) ==
        "vsock stream      psql[77] fd 3       1:2049       ->  postgres[412] fd 3  1:1024       UNCONN\n"
        "netlink usersock  postgres[412] fd 3  usersock:11  ↔   psql[77] fd 3       usersock:22  UNCONN\n"
        "tcp               sh[81] fd 3         127.0.0.1:7  ↔   sh[81] fd 3         127.0.0.1:7  ESTAB\n");
}

TEST_CASE("pairs: hostile names stay in their place") {
  auto snapshot = people();
  const auto hostile = "a) R 1\x1b[2J\n\xe2\x80\xae\xff\tx"s;
  for (auto& process : snapshot.processes) process.comm = hostile;
  snapshot.namespaces[0].own = false;
  snapshot.namespaces[0].name = hostile;
  const auto a = add(snapshot, stream(hostile), {0}), b = add(snapshot, stream(""), {1});
  tie(snapshot, a, b, Tie::peer, Tie::peer);
  const auto text = pairs_of(snapshot);
  CHECK(is_harmless(text));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  const auto escaped = "a) R 1\\x1b[2J\\x0a\\u{202e}\\xff\\x09x"s;
  CHECK(text.starts_with("unix stream  " + escaped + "[77] fd 3   in " + escaped + "  ->  " + escaped + "[412] fd 3  " + escaped));
}
