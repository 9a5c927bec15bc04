// How holders came to hold a socket, scene by scene.
#include <algorithm>
#include <limits>
#include <string>

#include "reconstruct/passes.h"
#include "reconstruct/relations.h"
#include "support/catch.h"
#include "support/snapshot_builder.h"

using namespace ssnap;
using namespace ssnap::test;
using model::Clue;
using model::Process;
using model::Snapshot;
using model::Socket;

namespace {

// Processes in the order of their pids, and a socket at index 0.
struct Scene {
  Snapshot snapshot = test::snapshot();

  Scene() {
    snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80));
    snapshot.sockets[0].inode = 4711;
  }

  Socket& socket() { return snapshot.sockets[0]; }
  Process& add(std::int64_t pid, std::int64_t ppid, std::vector<std::uint32_t> fds = {}) {
    if (!fds.empty()) hold(0, static_cast<std::uint32_t>(snapshot.processes.size()), std::move(fds));
    snapshot.processes.push_back(process(pid, "p", ppid));
    return snapshot.processes.back();
  }
  void hold(std::size_t socket, std::uint32_t process, std::vector<std::uint32_t> fds) {
    snapshot.sockets[socket].owners.push_back(owner(process, std::move(fds)));
  }
  // A pair of UNIX sockets, one end at fd 90 of each: a way in which descriptors are passed.
  void connect(std::uint32_t a, std::uint32_t b, std::uint16_t type = model::kSocketStream) {
    const auto at = static_cast<std::uint32_t>(snapshot.sockets.size());
    for (std::uint32_t i = 0; i < 2; ++i) {
      auto end = unix_socket(type, model::kStateEstab, model::UnixName::Kind::none, "");
      end.inode = at + i;
      end.peer_inode = at + 1 - i;
      snapshot.sockets.push_back(std::move(end));
      hold(at + i, i == 0 ? a : b, {90});
    }
  }
  void made_in_cgroup(std::string path) {
    if (!socket().details) socket().details = std::make_unique<model::SocketDetails>();
    socket().details->cgroup_id = 77;
    snapshot.cgroups[77] = std::move(path);
  }

  // "50 creator [others-descend]; 60 inherited from 50 [...]": a '?' after what is only possible.
  std::string trace() {
    reconstruct::find_peers({}, snapshot);
    reconstruct::trace_origins(snapshot);
    std::string text;
    for (const auto& one : socket().owners) {
      REQUIRE(one.origin_certainty != model::Certainty::certain);
      text += (text.empty() ? "" : "; ") + std::to_string(snapshot.processes[one.process].pid) + " " +
              std::string(model::origin_name(one.origin));
      if (one.origin_certainty == model::Certainty::possible) text += "?";
      if (one.from) text += " from " + std::to_string(snapshot.processes[*one.from].pid);
      std::string clues;
      for (std::size_t i = 0; i < model::kClueCount; ++i)
        if (has_clue(one, static_cast<Clue>(i))) clues += (clues.empty() ? "" : " ") + std::string(clue_name(static_cast<Clue>(i)));
      text += " [" + clues + "]";
    }
    return text;
  }
};

constexpr const char* kCreator50 = "50 creator [started-first others-descend]; ";

}  // namespace

TEST_CASE("one holder tells nothing, however often it holds it") {
  Scene scene;
  scene.add(1, 0);
  scene.add(50, 1, {3, 4});
  scene.connect(0, 1);
  CHECK(scene.trace() == "50 unknown []");
}

TEST_CASE("a process and its thread with a table of its own are one holder") {
  Scene scene;
  scene.add(50, 1, {3});
  scene.hold(0, 0, {4});
  scene.socket().owners[1].via = model::Via::thread_fd;
  CHECK(scene.trace() == "50 unknown []; 50 unknown []");
  Scene child;
  child.add(50, 1, {3});
  child.hold(0, 0, {5});
  child.socket().owners[1].via = model::Via::thread_fd;
  child.add(60, 50, {5});
  CHECK(child.trace() == std::string(kCreator50) + kCreator50 + "60 inherited from 50 [ancestor-holds same-fd]");
}

TEST_CASE("a child that holds it at the same fd inherited it") {
  Scene scene;
  scene.add(50, 1, {3}).session = 50;
  scene.add(60, 50, {3}).session = 50;
  Process& worker = scene.add(70, 50, {3});
  worker.forked_only = true;
  CHECK(scene.trace() == std::string(kCreator50) + "60 inherited from 50 [ancestor-holds same-fd same-session]; "
                         "70 inherited from 50 [ancestor-holds same-fd never-executed]");
}

TEST_CASE("the nearest ancestor that holds it counts, over those that don't") {
  Scene scene;
  scene.add(50, 1, {3});
  scene.add(60, 50);
  scene.add(70, 60, {3});
  scene.add(80, 70, {3});
  CHECK(scene.trace() == std::string(kCreator50) + "70 inherited from 50 [ancestor-holds same-fd]; "
                         "80 inherited from 70 [ancestor-holds same-fd]");
}

TEST_CASE("a standard stream was put there before an exec") {
  Scene scene;
  scene.add(50, 1, {7});
  scene.add(60, 50, {0, 1});
  scene.connect(0, 1);
  CHECK(scene.trace() == std::string(kCreator50) + "60 inherited from 50 [ancestor-holds other-fd standard-stream]");
}

TEST_CASE("socket activation: init's listener is fd 3 of the service, or one of the next") {
  Scene scene;
  scene.add(1, 0, {41});
  scene.add(50, 1, {3});
  CHECK(scene.trace() == "1 creator [started-first others-descend]; 50 inherited from 1 [ancestor-holds other-fd activation]");
  Scene second;
  second.add(1, 0, {41});
  second.add(50, 1, {4});
  second.snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 81));
  second.hold(1, 0, {42});
  second.hold(1, 1, {3});
  CHECK(second.trace() == "1 creator [started-first others-descend]; 50 inherited from 1 [ancestor-holds other-fd activation]");
}

TEST_CASE("no activation: a gap before it, or no exec since the fork") {
  Scene gap;
  gap.add(50, 1, {7});
  gap.add(60, 50, {4});
  CHECK(gap.trace() == std::string(kCreator50) + "60 inherited? from 50 [ancestor-holds other-fd]");
  Scene forked;
  forked.add(50, 1, {7});
  forked.add(60, 50, {3}).forked_only = true;
  CHECK(forked.trace() == std::string(kCreator50) + "60 inherited? from 50 [ancestor-holds other-fd never-executed]");
}

TEST_CASE("fds beyond those that activation uses") {
  Scene scene;
  scene.add(50, 1, {7});
  scene.add(60, 50, {std::numeric_limits<std::uint32_t>::max()});
  scene.add(70, 50, {66});
  scene.add(80, 50, {67});
  CHECK(scene.trace().find("activation") == std::string::npos);
}

TEST_CASE("passed to a child: another fd, and a UNIX socket between them") {
  for (const std::uint16_t type : {model::kSocketStream, model::kSocketSeqpacket, model::kSocketDgram}) {
    Scene scene;
    scene.add(50, 1, {7});
    scene.add(60, 50, {5});
    scene.connect(0, 1, type);
    CHECK(scene.trace() == std::string(kCreator50) + "60 passed from 50 [ancestor-holds other-fd unix-channel]");
  }
  // At the same fd it is inherited all the same; at fd 3 it may be either.
  Scene same;
  same.add(50, 1, {5});
  same.add(60, 50, {5});
  same.connect(0, 1);
  CHECK(same.trace() == std::string(kCreator50) + "60 inherited from 50 [ancestor-holds same-fd]");
  Scene third;
  third.add(50, 1, {7});
  third.add(60, 50, {3});
  third.connect(0, 1);
  CHECK(third.trace() == std::string(kCreator50) + "60 inherited? from 50 [ancestor-holds other-fd activation unix-channel]");
}

TEST_CASE("both inherited the pair that connects them, from an ancestor of both") {
  Scene scene;
  scene.add(40, 1);
  scene.add(50, 40, {7});
  scene.add(60, 40, {5});
  scene.connect(1, 2);
  for (std::size_t end : {1, 2}) {
    auto& owners = scene.snapshot.sockets[end].owners;
    owners = {owner(1, {90}), owner(2, {90})};
  }
  CHECK(scene.trace() == "50 creator? [no-kinship started-first]; 60 passed from 50 [unix-channel no-kinship]");
}

TEST_CASE("a UNIX socket is no way for itself to be passed") {
  Scene scene;
  scene.add(50, 1);
  scene.add(60, 50);
  scene.snapshot.sockets.clear();
  scene.connect(0, 1);
  scene.snapshot.sockets[0].owners = {owner(0, {7}), owner(1, {5})};
  scene.snapshot.sockets[1].owners = {owner(0, {8})};
  CHECK(scene.trace() == std::string(kCreator50) + "60 inherited? from 50 [ancestor-holds other-fd]");
}

TEST_CASE("a child that made it and passed it up") {
  Scene scene;
  scene.socket().uid = 33;
  scene.add(50, 1, {7});
  scene.add(60, 50, {5}).euid = 33;
  scene.connect(0, 1);
  CHECK(scene.trace() == "50 passed from 60 [other-fd unix-channel]; 60 creator [same-uid]");
  // What speaks for both leaves it with the ancestor, and lowers the certainty.
  Scene both;
  both.socket().uid = 33;
  both.made_in_cgroup("/a");
  both.add(50, 1, {7}).cgroup = "/a";
  Process& child = both.add(60, 50, {5});
  child.euid = 33;
  child.cgroup = "/b";
  both.connect(0, 1);
  CHECK(both.trace() == "50 creator? [started-first same-cgroup others-descend]; "
                        "60 passed from 50 [ancestor-holds other-fd unix-channel]");
}

TEST_CASE("the root of the holders is less likely the creator where another has the socket's uid") {
  Scene scene;
  scene.socket().uid = 33;
  scene.add(50, 1, {3});
  scene.add(60, 50, {3}).euid = 33;
  CHECK(scene.trace() == "50 creator? [started-first others-descend]; 60 inherited from 50 [ancestor-holds same-fd]");
}

TEST_CASE("a server that keeps its rights and children that drop them") {
  Scene scene;
  scene.socket().uid = 0;
  scene.add(50, 1, {3});
  scene.add(60, 50, {3}).euid = 33;
  scene.add(70, 50, {3}).euid = 33;
  CHECK(scene.trace().starts_with("50 creator [started-first same-uid others-descend]; "));
}

TEST_CASE("siblings at one fd have it from their parent, which closed it") {
  Scene scene;
  scene.add(50, 1).session = 50;
  scene.add(60, 50, {3}).session = 50;
  scene.add(70, 50, {3}).forked_only = true;
  scene.add(80, 70, {3});
  CHECK(scene.trace() == "60 inherited from 50 [parent-held same-fd same-session]; "
                         "70 inherited from 50 [parent-held same-fd never-executed]; "
                         "80 inherited from 70 [ancestor-holds same-fd]");
}

TEST_CASE("siblings that could have passed it to each other") {
  Scene scene;
  scene.add(50, 1);
  scene.add(60, 50, {3});
  scene.add(70, 50, {3});
  scene.connect(1, 2);
  CHECK(scene.trace() == "60 inherited? from 50 [parent-held same-fd unix-channel]; "
                         "70 inherited? from 50 [parent-held same-fd unix-channel]");
}

TEST_CASE("siblings with it as a standard stream each") {
  Scene scene;
  scene.add(50, 1);
  scene.add(60, 50, {0});
  scene.add(70, 50, {1});
  CHECK(scene.trace() == "60 inherited? from 50 [parent-held standard-stream]; 70 inherited? from 50 [parent-held standard-stream]");
}

TEST_CASE("children of a process that ended") {
  const auto trace = [](std::int64_t parent, auto set) {
    Scene scene;
    scene.add(1, 0).exe = "/sbin/init";
    scene.add(40, 1).exe = "/usr/bin/reaper";
    scene.snapshot.processes[1].session = 40;
    scene.add(60, parent, {3});
    set(scene.snapshot.processes[2]);
    scene.add(70, parent, {3});
    set(scene.snapshot.processes[3]);
    return scene.trace();
  };
  const auto server = [](Process& process) { process.exe = "/usr/bin/server", process.session = 55; };
  const auto daemon = [](Process& process) { process.exe = "/usr/bin/server", process.session = process.pid; };
  const std::string in_session = "60 inherited? [parent-held same-fd same-session]; 70 inherited? [parent-held same-fd same-session]";
  const std::string same_exe = "60 inherited? [parent-held same-fd]; 70 inherited? [parent-held same-fd]";
  // Reparented to init, to a subreaper, to one that is not in the snapshot.
  CHECK(trace(1, server) == in_session);
  CHECK(trace(1, daemon) == same_exe);
  CHECK(trace(40, server) == in_session);
  CHECK(trace(40, daemon) == same_exe);
  CHECK(trace(999, server) == in_session);
  // Nothing in common but init.
  CHECK(trace(1, [](Process& process) { process.session = process.pid; }) ==
        "60 creator? [no-kinship started-first]; 70 inherited? from 60 [same-fd no-kinship]");
}

TEST_CASE("a child of a child that ended") {
  // In the session that the server leads, it can only descend from it; whatever adopted it.
  for (const std::int64_t adopted_by : {1, 40, 999}) {
    Scene scene;
    scene.add(1, 0).session = 1;
    scene.add(40, 1).session = 40;
    scene.add(50, 1, {3}).session = 50;
    scene.add(60, adopted_by, {3}).session = 50;
    CHECK(scene.trace() == std::string(kCreator50) + "60 inherited from 50 [ancestor-holds same-fd same-session]");
  }
  // In a session of its own: by the number, and only if nothing could have passed it.
  Scene daemon;
  daemon.add(1, 0);
  daemon.add(40, 1);
  daemon.add(50, 40, {3}).session = 40;
  daemon.add(60, 1, {3}).session = 60;
  daemon.add(70, 1, {4}).session = 70;
  daemon.add(80, 1, {3}).session = 80;
  daemon.connect(2, 5);
  CHECK(daemon.trace() == "50 creator? [no-kinship started-first]; 60 inherited? from 50 [same-fd no-kinship]; "
                          "70 passed? from 50 [no-kinship]; 80 passed from 50 [unix-channel no-kinship]");
  // The server has a parent of its own: it is no child of the dead, though of one session with its orphan.
  Scene terminal;
  terminal.add(1, 0);
  terminal.add(40, 1).session = 40;
  terminal.add(50, 40, {3}).session = 40;
  terminal.add(60, 1, {3}).session = 40;
  CHECK(terminal.trace() == "50 creator? [no-kinship started-first]; 60 inherited? from 50 [same-fd no-kinship]");
}

TEST_CASE("a session's number that is another process's leads nowhere") {
  Scene scene;
  scene.add(1, 0).session = 1;
  scene.add(50, 1, {3}).session = 49;       // pid 50 is not the leader of a session 50
  scene.add(60, 1, {3}).session = 50;
  CHECK(scene.trace().find("ancestor-holds") == std::string::npos);
}

TEST_CASE("the init of a container gets the children of the dead too, unless they are its own image") {
  for (const bool same_exe : {false, true}) {
    Scene scene;
    Process& init = scene.add(50, 1);
    init.exe = "/app";
    init.ns_pids = {50, 1};
    init.session = 50;
    for (const std::int64_t pid : {60, 70}) {
      Process& child = scene.add(pid, 50, {3});
      child.exe = same_exe ? "/app" : "/worker";
      child.session = 50;
    }
    CHECK(scene.trace().starts_with(same_exe ? "60 inherited? from 50 [parent-held" : "60 inherited? [parent-held"));
  }
}

TEST_CASE("of siblings with one fd, the only one that runs as the socket's uid made it: their parent did not have it") {
  for (const bool is_told : {false, true}) {
    Scene scene;
    scene.add(50, 1);
    scene.add(60, 50, {3});
    scene.add(70, 50, {3}).euid = 1000;
    scene.socket().uid = is_told ? 1000 : 0;
    scene.connect(1, 2);
    CHECK(scene.trace() == (is_told ? "60 passed from 70 [unix-channel no-kinship]; 70 creator [no-kinship same-uid]"
                                    : "60 inherited? from 50 [parent-held same-fd unix-channel]; "
                                      "70 inherited? from 50 [parent-held same-fd unix-channel]"));
  }
}

TEST_CASE("a child that never executed and runs another file is none of its parent's") {
  Scene scene;
  scene.add(50, 1).exe = "/usr/bin/reaper";
  for (const std::int64_t pid : {60, 70}) {
    Process& child = scene.add(pid, 50, {3});
    child.exe = "/usr/bin/server";
    child.forked_only = true;
  }
  CHECK(scene.trace() == "60 inherited? [parent-held same-fd never-executed]; 70 inherited? [parent-held same-fd never-executed]");
}

TEST_CASE("unrelated holders: the creator is told by uid, cgroup, namespace") {
  SECTION("uid") {
    Scene scene;
    scene.socket().uid = 33;
    scene.add(50, 1, {3});
    scene.add(60, 1, {4}).euid = 33;
    CHECK(scene.trace() == "50 passed? from 60 [no-kinship]; 60 creator [no-kinship same-uid]");
  }
  SECTION("cgroup, with a channel") {
    Scene scene;
    scene.made_in_cgroup("/a.service");
    scene.add(50, 1, {3}).cgroup = "/b.service";
    scene.add(60, 1, {4}).cgroup = "/a.service";
    scene.connect(0, 1);
    CHECK(scene.trace() == "50 passed from 60 [unix-channel no-kinship]; 60 creator [no-kinship same-cgroup]");
  }
  SECTION("network namespace") {
    Scene scene;
    scene.add(50, 1, {3}).namespaces["net"] = 4026531840;
    scene.add(60, 1, {4}).namespaces["net"] = 4026531999;
    CHECK(scene.trace() == "50 creator [no-kinship started-first same-netns]; 60 passed? from 50 [no-kinship]");
  }
  SECTION("the socket's namespace is not known") {
    Scene scene;
    scene.snapshot.namespaces[0].unknown = true;
    scene.add(50, 1, {3}).namespaces["net"] = 4026531840;
    scene.add(60, 1, {4}).namespaces["net"] = 4026531999;
    CHECK(scene.trace().find("same-netns") == std::string::npos);
  }
}

TEST_CASE("unrelated holders: who started first is no more than possible, and at the same time nothing") {
  Scene scene;
  scene.add(50, 1, {3});
  scene.add(60, 1, {4});
  scene.connect(0, 1);
  CHECK(scene.trace() == "50 creator? [no-kinship started-first]; 60 passed from 50 [unix-channel no-kinship]");
  Scene together;
  together.add(50, 1, {3});
  together.add(60, 1, {4}).start_ticks = 5000;  // the ticks of the first
  CHECK(together.trace() == "50 unknown [no-kinship]; 60 unknown [no-kinship]");
  Scene unknown;
  unknown.add(50, 1, {3});
  unknown.add(60, 1, {4}).start_ticks.reset();
  CHECK(unknown.trace() == "50 unknown [no-kinship]; 60 unknown [no-kinship]");
}

TEST_CASE("unrelated holders: evidence that contradicts itself") {
  Scene scene;
  scene.socket().uid = 33;
  scene.made_in_cgroup("/a.service");
  scene.add(50, 1, {3}).cgroup = "/a.service";
  Process& other = scene.add(60, 1, {4});
  other.cgroup = "/b.service";
  other.euid = 33;
  scene.connect(0, 1);
  CHECK(scene.trace() == "50 creator? [no-kinship started-first same-cgroup]; 60 passed? from 50 [unix-channel no-kinship]");
}

TEST_CASE("a uid that two holders have, or that one doesn't tell, tells nothing") {
  Scene scene;
  scene.socket().uid = 0;
  scene.add(50, 1, {3});
  scene.add(60, 1, {4});
  CHECK(scene.trace().find("same-uid") == std::string::npos);
  Scene untold;
  untold.socket().uid = 0;
  untold.add(50, 1, {3});
  Process& other = untold.add(60, 1, {4});
  other.uid.reset();
  other.euid.reset();
  CHECK(untold.trace().find("same-uid") == std::string::npos);
}

TEST_CASE("passed to a process whose children inherited it") {
  Scene scene;
  scene.socket().uid = 33;
  scene.add(50, 1, {3}).euid = 33;
  scene.add(60, 1, {9});
  scene.add(70, 60, {9});
  CHECK(scene.trace() == "50 creator [no-kinship started-first same-uid]; 60 passed? from 50 [no-kinship]; "
                         "70 inherited from 60 [ancestor-holds same-fd]");
}

TEST_CASE("siblings of a parent that closed it, and one that it was passed to") {
  Scene scene;
  scene.socket().uid = 33;
  scene.add(50, 1).euid = 33;
  scene.add(60, 50, {3});
  scene.add(70, 50, {3});
  scene.add(80, 1, {8});
  scene.connect(0, 3);
  CHECK(scene.trace() == "60 inherited from 50 [parent-held same-fd]; 70 inherited from 50 [parent-held same-fd]; "
                         "80 passed from 50 [unix-channel no-kinship]");
  Scene other_way;
  other_way.socket().uid = 33;
  other_way.add(50, 1);
  other_way.add(60, 50, {3});
  other_way.add(70, 50, {3});
  other_way.add(80, 1, {8}).euid = 33;
  CHECK(other_way.trace() == "60 inherited? from 50 [parent-held same-fd]; 70 inherited? from 50 [parent-held same-fd]; "
                             "80 creator [no-kinship same-uid]");
}

TEST_CASE("a parent that started after its child is another process with its pid") {
  Scene scene;
  scene.add(50, 1, {3}).start_ticks = 9000;
  scene.add(60, 50, {4});
  CHECK(scene.trace() == "50 passed? from 60 [no-kinship]; 60 creator? [no-kinship started-first]");
  // The pid was used twice: the parent is the one that was there.
  Scene twice;
  twice.add(50, 1, {3}).start_ticks = 100;
  twice.add(50, 1, {3}).start_ticks = 9000;
  twice.add(60, 50, {3});
  CHECK(twice.snapshot.processes.size() == 3);
  twice.trace();
  CHECK(twice.socket().owners[2].from == 0);
}

TEST_CASE("trees that are none: loops, self-parents, missing and negative parents") {
  Scene scene;
  for (std::int64_t pid = 50; pid < 60; ++pid) scene.add(pid, pid + 1, {3}).start_ticks = 100;
  scene.snapshot.processes[9].ppid = 50;
  scene.add(60, 60, {3});
  scene.add(61, -5, {3});
  scene.add(62, 0, {3}).ppid.reset();
  scene.add(63, 999, {3});
  scene.trace();
  const reconstruct::Kinship kinship(scene.snapshot);
  std::uint32_t largest = 0;
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    CHECK(kinship.begin(i) < kinship.end(i));
    largest = std::max(largest, kinship.end(i) - kinship.begin(i));
    CHECK(kinship.parent(i).has_value() == (i < 10));
  }
  CHECK(largest == 10);  // all of the loop, below the one at which it was cut
}

TEST_CASE("owners that lead nowhere, and those by other ways than a table, are left as they are") {
  Scene scene;
  scene.add(50, 1, {3});
  scene.add(60, 50, {3});
  scene.hold(0, 1, {7});
  scene.socket().owners[2].via = model::Via::io_uring;
  scene.add(70, 1);
  scene.hold(0, 2, {});
  scene.socket().owners[3].via = model::Via::listener;
  CHECK(scene.trace() == std::string(kCreator50) + "60 inherited from 50 [ancestor-holds same-fd]; 60 unknown []; 70 unknown []");
  Scene nowhere;
  nowhere.add(50, 1, {3});
  nowhere.hold(0, 999, {3});
  reconstruct::trace_origins(nowhere.snapshot);
  CHECK(nowhere.socket().owners[0].origin == model::Origin::unknown);
}

TEST_CASE("many workers, and a deep tree with holders far apart") {
  Scene scene;
  constexpr std::uint32_t kDepth = 20'000, kSockets = 2'000;
  scene.add(1, 0);
  for (std::uint32_t i = 1; i < kDepth; ++i) scene.add(i + 1, i).start_ticks = 100;
  for (std::uint32_t i = 0; i < kSockets; ++i) {
    scene.snapshot.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 81));
    scene.hold(i + 1, 0, {3});
    scene.hold(i + 1, kDepth - 1 - i, {3});
  }
  for (std::uint32_t i = 1; i < 2'500; ++i) scene.hold(0, i, {4});
  scene.trace();
  CHECK(scene.snapshot.sockets[kSockets].owners[1].from == 0);
  CHECK(scene.socket().owners[2'498].from == 2'498);
}
