#include "render/tree.h"

#include <algorithm>
#include <sstream>

#include "render/escape.h"
#include "support/catch.h"
#include "unit/render/rows.h"

using namespace ssnap;
using namespace ssnap::test;
using namespace std::string_literals;

namespace {

std::string tree_of(const model::Snapshot& snapshot, std::optional<int> width = {}, bool extended = false) {
  render::Style style;
  style.header = false;
  style.width = width;
  style.extended = extended;
  return render::render_tree(all_rows(snapshot), style);
}

model::Socket& add_listener(model::Snapshot& snapshot, std::uint16_t port) {
  snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), port));
  return snapshot.sockets.back();
}

}  // namespace

TEST_CASE("tree: a server and the shell it spawned, under what started them") {
  auto snapshot = scene();
  snapshot.processes.insert(snapshot.processes.begin(), process(1, "init", 0));
  snapshot.processes.push_back(process(90, "bystander"));
  snapshot.processes[1].cmdline = {{"python3", "server.py", ""}};
  snapshot.processes[2].euid = 33;
  auto& owners = snapshot.sockets[0].owners;
  owners = {created(1, {37}), inherited(2, {38}, 1)};
  auto local = inet_socket(model::kProtocolTcp, model::kStateEstab, ip({127, 0, 0, 1}), 40000);
  local.peer = {ip({127, 0, 0, 1}), 8080, 0, {}};
  local.owners.push_back(owner(2, {5}));
  local.links = {{0, model::Tie::peer, model::Certainty::certain}};
  local.netns = 1;
  snapshot.namespaces.push_back({4026532000, "blue", "mounted", false});
  snapshot.sockets.push_back(std::move(local));
  CHECK(render::render_tree(all_rows(snapshot), {}) ==
        "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · all 2 namespaces · 61 of 61 processes read · smear 38 ms\n"
        "\n"
        "init[1] root(0) · init\n"
        "└─ python3[80] root(0) · python3 server.py ''\n"
        "   │ tcp LISTEN [::]:8080 · fd 37\n"
        "   └─ sh[81] www-data(33) (real user root(0)) · sh\n"
        "        tcp LISTEN [::]:8080 · fd 38, inherited from 80\n"
        "        tcp ESTAB 127.0.0.1:40000 -> 127.0.0.1:8080 (python3[80] and 1 more) in blue · fd 5\n"
        "\n"
        "2 sockets shown. No gaps.\n");
  render::Style colourful;
  colourful.header = false;
  colourful.colour = true;
  CHECK(render::render_tree(all_rows(snapshot), colourful)
            .starts_with("init[1] root(0) · init\n└─ \x1b[1mpython3[80] root(0) · python3 server.py ''\x1b[0m\n"));
}

TEST_CASE("tree: workers that are alike are one line, and the others stand out") {
  auto snapshot = test::snapshot();
  snapshot.processes.push_back(process(100, "nginx"));
  for (int i = 1; i <= 2500; ++i) snapshot.processes.push_back(process(100 + i, "nginx", 100));
  for (const std::uint32_t port : {80, 443, 8080}) {
    auto& owners = add_listener(snapshot, static_cast<std::uint16_t>(port)).owners;
    owners.push_back(created(0, {port / 80}));
    for (std::uint32_t i = 1; i <= 2500; ++i) owners.push_back(inherited(i, {port / 80}, 0));
  }
  CHECK(tree_of(snapshot) ==
        "nginx[100] root(0) · nginx\n"
        "│ tcp LISTEN 0.0.0.0:80 · fd 1\n"
        "│ tcp LISTEN 0.0.0.0:443 · fd 5\n"
        "│ tcp LISTEN 0.0.0.0:8080 · fd 101\n"
        "└─ 2,500 x nginx[101 … 2600]: the same 3 sockets as nginx[100] at the same fds, inherited\n");
  // One with a socket of its own, one with a child, one of another user.
  add_listener(snapshot, 4444).owners.push_back(created(7, {9}));
  snapshot.processes.push_back(process(3000, "sh", 105));
  snapshot.sockets[0].owners.push_back(inherited(2501, {1}, 5));
  snapshot.processes[9].uid = snapshot.processes[9].euid = 33;
  CHECK(tree_of(snapshot).substr(tree_of(snapshot).find("├─")) ==
        "├─ 2,497 x nginx[101 … 2600]: the same 3 sockets as nginx[100] at the same fds, inherited\n"
        "├─ nginx[105] root(0) · nginx\n"
        "│  │ tcp LISTEN 0.0.0.0:80 · fd 1, inherited from 100\n"
        "│  │ tcp LISTEN 0.0.0.0:443 · fd 5, inherited from 100\n"
        "│  │ tcp LISTEN 0.0.0.0:8080 · fd 101, inherited from 100\n"
        "│  └─ sh[3000] root(0) · sh\n"
        "│       tcp LISTEN 0.0.0.0:80 · fd 1, inherited from 105\n"
        "├─ nginx[107] root(0) · nginx\n"
        "│    tcp LISTEN 0.0.0.0:80 · fd 1, inherited from 100\n"
        "│    tcp LISTEN 0.0.0.0:443 · fd 5, inherited from 100\n"
        "│    tcp LISTEN 0.0.0.0:8080 · fd 101, inherited from 100\n"
        "│    tcp LISTEN 0.0.0.0:4444 · fd 9\n"
        "└─ nginx[109] www-data(33) · nginx\n"
        "     tcp LISTEN 0.0.0.0:80 · fd 1, inherited from 100\n"
        "     tcp LISTEN 0.0.0.0:443 · fd 5, inherited from 100\n"
        "     tcp LISTEN 0.0.0.0:8080 · fd 101, inherited from 100\n");
}

TEST_CASE("tree: what is alike and not the parent's is told") {
  auto snapshot = test::snapshot();
  snapshot.processes.push_back(process(100, "spawner"));
  for (int i = 1; i <= 3; ++i) snapshot.processes.push_back(process(100 + i, "worker", 100));
  auto& owners = add_listener(snapshot, 80).owners;
  for (std::uint32_t i = 1; i <= 3; ++i) owners.push_back(owner(i, {3}));
  CHECK(tree_of(snapshot) ==
        "spawner[100] root(0) · spawner\n"
        "└─ 3 x worker[101 … 103] root(0) · worker\n"
        "     tcp LISTEN 0.0.0.0:80 · fd 3\n");
  // At another fd than the parent's, or only possibly from there: not "the same".
  owners.insert(owners.begin(), created(0, {4}));
  for (std::uint32_t i = 1; i <= 3; ++i) owners[i] = inherited(i, {3}, 0);
  CHECK(tree_of(snapshot).ends_with("└─ 3 x worker[101 … 103] root(0) · worker\n"
                                    "     tcp LISTEN 0.0.0.0:80 · fd 3, inherited from 100\n"));
  owners[0].fds = {3};
  CHECK(tree_of(snapshot).ends_with("└─ 3 x worker[101 … 103]: the same socket as spawner[100] at the same fd, inherited\n"));
  for (auto& owner : owners) owner.origin_certainty = model::Certainty::possible;
  CHECK(tree_of(snapshot).ends_with("fd 3, possibly inherited from 100\n"));
}

TEST_CASE("tree: sockets without a certain owner, by reason") {
  auto snapshot = scene();
  const auto add = [&](std::uint16_t port, model::OwnerlessCode code, std::string detail) -> model::Socket& {
    auto& socket = add_listener(snapshot, port);
    socket.ownerless_reason = model::OwnerlessReason{code, std::move(detail)};
    return socket;
  };
  add(1, model::OwnerlessCode::unexplained, "");
  add(2, model::OwnerlessCode::kernel, "vxlan \x1bvx0");
  add(3, model::OwnerlessCode::kernel, "");
  auto waiting = owner(1, {5});
  waiting.via = model::Via::in_flight;
  waiting.certainty = model::Certainty::possible;
  add(4, model::OwnerlessCode::gone, "x").owners.push_back(std::move(waiting));
  add_listener(snapshot, 5);  // neither an owner nor a reason
  CHECK(tree_of(snapshot) ==
        "python3[80] root(0) · python3\n"
        "│ tcp LISTEN [::]:8080 · fd 37\n"
        "└─ sh[81] root(0) · sh\n"
        "     tcp LISTEN [::]:8080 · fd 38, inherited from 80\n"
        "     tcp LISTEN 0.0.0.0:4 · possibly in a message waiting at fd 5\n"
        "\n"
        "No certain owner: kernel\n"
        "  tcp LISTEN 0.0.0.0:2 · vxlan \\x1bvx0\n"
        "  tcp LISTEN 0.0.0.0:3\n"
        "\n"
        "No certain owner: gone\n"
        "  tcp LISTEN 0.0.0.0:4 · x\n"
        "\n"
        "No certain owner: unexplained\n"
        "  tcp LISTEN 0.0.0.0:1\n"
        "  tcp LISTEN 0.0.0.0:5\n");
  CHECK(render::render_tree(all_rows({}), {}) == "No sockets: the snapshot holds none here. No gaps.\n");
}

TEST_CASE("tree: ppids in a circle, parents without end, holders without end") {
  auto snapshot = scene();
  snapshot.processes[0].ppid = 81;
  snapshot.processes[0].start_ticks = snapshot.processes[1].start_ticks;
  CHECK(tree_of(snapshot) ==
        "sh[81] root(0) · sh\n"
        "│ tcp LISTEN [::]:8080 · fd 38, inherited from 80\n"
        "└─ python3[80] root(0) · python3\n"
        "     tcp LISTEN [::]:8080 · fd 37\n");
  auto deep = test::snapshot();
  for (int pid = 1; pid <= 20'000; ++pid) deep.processes.push_back(process(pid, "x", pid - 1));
  add_listener(deep, 80).owners = {owner(19'999, {3}), owner(70'000, {3})};
  const auto text = tree_of(deep);
  CHECK(std::count(text.begin(), text.end(), '\n') == 20'001);
  CHECK(text.size() < 5'000'000);
  CHECK(text.ends_with("└─ x[20000] root(0) · x\n" + std::string(3 * render::kMaxTreeIndent + 2, ' ') +
                       "tcp LISTEN 0.0.0.0:80 · fd 3\n"));
  auto wide = test::snapshot();
  wide.processes.push_back(process(7, "proxy"));
  for (std::uint16_t port = 1; port <= 1201; ++port) {
    auto& socket = add_listener(wide, port);
    if (port <= 1000)
      socket.owners = {owner(0, {port})};
    else
      socket.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::orphan, ""};
  }
  const auto lines = tree_of(wide);
  CHECK(lines.find("  tcp LISTEN 0.0.0.0:200 · fd 200\n  and 800 more; all without --tree\n") != std::string::npos);
  CHECK(lines.ends_with("  tcp LISTEN 0.0.0.0:1200\n  and 1 more; all without --tree\n"));
}

TEST_CASE("tree: on a terminal command lines are cut, and everything else is wrapped") {
  auto snapshot = scene();
  std::string command(4000, 'x');
  command.replace(30, 3, "\xe4\xb8\x96");  // a wide character
  snapshot.processes[1].cmdline = {{"sh", command}};
  snapshot.processes[1].exe_deleted = true;
  CHECK(tree_of(snapshot).find(" · sh " + command.substr(0, render::kMaxCommandBytes - 3) + "…\n") != std::string::npos);
  CHECK(tree_of(snapshot, 80) ==
        "python3[80] root(0) · python3\n"
        "│ tcp LISTEN [::]:8080 · fd 37\n"
        "└─ sh[81] root(0) (executable deleted) · sh xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx世xxx…\n"
        "     tcp LISTEN [::]:8080 · fd 38, inherited from 80\n");
  CHECK(tree_of(snapshot, 40) ==
        "python3[80] root(0) · python3\n"
        "│ tcp LISTEN [::]:8080 · fd 37\n"
        "└─ sh[81] root(0) (executable deleted)\n"
        "     sh xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\n"
        "     tcp LISTEN [::]:8080 · fd 38,\n"
        "       inherited from 80\n");
  for (const int width : {1, 30, 79, 200}) {
    std::istringstream lines(tree_of(snapshot, width));
    for (std::string line; std::getline(lines, line);)
      if (width >= 30) CHECK(render::display_width(line) <= width);
  }
}

TEST_CASE("tree: hostile names stay in their place") {
  auto snapshot = scene();
  const auto hostile = "a) R 1\x1b[2J\n\xe2\x80\xae\xff\tx"s;
  snapshot.users[0] = hostile;
  snapshot.namespaces[0].own = false;
  snapshot.namespaces[0].name = hostile;
  snapshot.sockets[0].ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::kernel, hostile};
  for (auto& process : snapshot.processes) {
    process.comm = process.mounted_over = process.pod_uid = process.unit = hostile;
    process.cmdline = {{hostile, hostile}};
    process.container = model::Container{hostile, hostile};
    process.zombie = true;
  }
  snapshot.sockets.push_back(unix_socket(1, 1, model::UnixName::Kind::path, hostile));
  snapshot.sockets[1].owners = {owner(0, {3})};
  snapshot.sockets[1].links = {{0, model::Tie::peer, {}}};
  for (const auto width : {std::optional<int>(), std::optional(50)}) {
    const auto text = tree_of(snapshot, width, true);
    CHECK(is_harmless(text));
    CHECK(text.find("a) R 1\\x1b[2J\\x0a\\u{202e}\\xff\\x09x[80]") != std::string::npos);
  }
  CHECK(tree_of(snapshot, {}, true).find("\n└─ a) R 1\\x1b[2J\\x0a\\u{202e}\\xff\\x09x[81] ") != std::string::npos);
}
