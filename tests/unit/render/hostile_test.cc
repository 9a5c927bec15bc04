// Output must not grow faster than the evidence: what one process or socket has is not told whole with each of very many.
#include <boost/json.hpp>

#include "render/csv.h"
#include "render/fields.h"
#include "render/json.h"
#include "render/pairs.h"
#include "render/table.h"
#include "render/tree.h"
#include "support/catch.h"
#include "unit/render/rows.h"

using namespace ssnap;
using namespace ssnap::test;
namespace json = boost::json;

namespace {

// A server that `size` processes hold, and as many clients.
model::Snapshot server_with_clients(std::uint32_t size) {
  auto snapshot = test::snapshot();
  auto server = inet_socket(model::kProtocolUdp, model::kStateUnconn, ip({127, 0, 0, 1}), 53);
  for (std::uint32_t i = 0; i < size; ++i) {
    snapshot.processes.push_back(process(100 + i, "server"));
    server.owners.push_back(owner(static_cast<std::uint32_t>(snapshot.processes.size() - 1), {3}));
  }
  const auto first = static_cast<std::uint32_t>(snapshot.sockets.size());
  snapshot.sockets.push_back(std::move(server));
  for (std::uint32_t i = 1; i <= size; ++i) {
    auto client = inet_socket(model::kProtocolUdp, model::kStateEstab, ip({127, 0, 0, 1}), 1000);
    client.peer = {ip({127, 0, 0, 1}), 53, 0, {}};
    client.links.push_back({first, model::Tie::server, model::Certainty::certain});
    snapshot.sockets.push_back(std::move(client));
    snapshot.sockets[first].links.push_back({first + i, model::Tie::client, model::Certainty::certain});
  }
  return snapshot;
}

// One process with a command line of `size` kilobytes, and as many sockets.
model::Snapshot long_command_line(std::uint32_t size) {
  auto snapshot = test::snapshot();
  auto one = process(100, "long");
  one.cmdline = std::vector<std::string>(size, std::string(1000, 'x'));
  snapshot.processes.push_back(std::move(one));
  const auto index = static_cast<std::uint32_t>(snapshot.processes.size() - 1);
  for (std::uint32_t i = 0; i < size; ++i) {
    snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), i));
    snapshot.sockets.back().owners.push_back(owner(index, {i}));
  }
  return snapshot;
}

// The bytes of the views that tell of owners and of other ends.
std::vector<std::size_t> sizes_of(const model::Snapshot& snapshot) {
  const auto rows = all_rows(snapshot);
  render::Style style;
  style.extended = true;
  return {render::render_json(rows, true).size(),
          render::render_ndjson(rows, true).size(),
          render::render_table(rows, style).size(),
          render::render_tree(rows, style).size(),
          render::render_pairs(rows, style).size(),
          render::render_csv(rows, render::default_csv_fields(), true).size()};
}

}  // namespace

TEST_CASE("twice the evidence is at most about twice the output, in each view") {
  for (const auto make : {server_with_clients, long_command_line}) {
    const auto once = sizes_of(make(600)), twice = sizes_of(make(1200));
    for (std::size_t view = 0; view < once.size(); ++view) {
      CAPTURE(view, once[view], twice[view]);
      CHECK(twice[view] < once[view] * 5 / 2);
    }
  }
}

TEST_CASE("what is left out of JSON is counted, and told in full elsewhere") {
  const auto clients = server_with_clients(300);
  const auto object = json::parse(render::render_json(all_rows(clients), true)).as_object();
  const auto& socket = object.at("sockets").as_array().back().as_object();
  CHECK(socket.at("peer_owners").as_array().size() == model::kMaxPeerOwners);
  CHECK(socket.at("peer_owners_left_out").to_number<int>() == 44);
  const auto& pair = object.at("pairs").as_array().front().as_object();
  CHECK(pair.at("b").at("owners").as_array().size() == 32);
  CHECK(pair.at("b").at("owners_left_out").to_number<int>() == 268);
  for (const auto& one : object.at("sockets").as_array())
    if (one.at("local").at("port") == 53) CHECK(one.at("owners").as_array().size() == 300);

  const auto command = long_command_line(10);
  const auto whole = json::parse(render::render_json(all_rows(command), false)).as_object();
  const auto& holder = whole.at("sockets").as_array().front().at("owners").as_array().front().as_object();
  CHECK(holder.at("cmdline_cut") == true);
  REQUIRE(holder.at("cmdline").as_array().size() == 5);
  CHECK(holder.at("cmdline").as_array().back().as_string().size() == 4096 - 4 * 1001);
  CHECK(whole.at("processes").as_array().back().at("cmdline").as_array().size() == 10);
}
