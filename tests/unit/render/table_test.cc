#include "render/table.h"

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
        "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · this namespace of 3 · 61 of 61 processes read · smear 38 ms\n"
        "\n"
        "STATE   QUEUE  LOCAL           REACH              OWNERS\n"
        "LISTEN  0/100  [::]:8080       everywhere, v4+v6  python3[80] fd 37\n"
        "                                                  └ sh[81] fd 38, inherited from 80\n"
        "LISTEN  0/128  127.0.0.1:5432  this host only     postgres[412] fd 6\n"
        "\n"
        "2 of 214 sockets shown. 12 sockets in 2 other namespaces: --netns all. No gaps.\n");
}
