// Snapshots made by hand, for the layers above the model.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::test {

inline base::IpAddress ip(std::vector<int> bytes) {
  std::string text(bytes.begin(), bytes.end());
  return bytes.size() == 4 ? base::IpAddress::v4(text) : base::IpAddress::v6(text);
}
inline base::IpAddress any_v6() {
  return base::IpAddress::v6(std::string(16, '\0'));
}
inline base::IpAddress any_v4() {
  return ip({0, 0, 0, 0});
}

// A process with its start 100 ticks per pid after boot; the command line is its name.
inline model::Process process(std::int64_t pid, std::string comm, std::int64_t ppid = 1) {
  model::Process process;
  process.pid = pid;
  process.ppid = ppid;
  process.start_ticks = static_cast<std::uint64_t>(pid) * 100;
  process.start_realtime_nsec = 1'795'290'000'000'000'000 + pid * 1'000'000'000;
  process.uid = process.euid = 0;
  process.cmdline = std::vector<std::string>{comm};
  process.comm = std::move(comm);
  return process;
}

inline model::Owner owner(std::uint32_t process, std::vector<std::uint32_t> fds) {
  model::Owner owner;
  owner.process = process;
  owner.fds = std::move(fds);
  return owner;
}

inline model::Owner created(std::uint32_t process, std::vector<std::uint32_t> fds) {
  auto result = owner(process, std::move(fds));
  result.origin = model::Origin::creator;
  return result;
}

inline model::Owner inherited(std::uint32_t process, std::vector<std::uint32_t> fds, std::uint32_t from) {
  auto result = owner(process, std::move(fds));
  result.origin = model::Origin::inherited;
  result.from = from;
  return result;
}

inline model::Socket inet_socket(std::uint16_t protocol, std::uint8_t state, base::IpAddress local,
                                 std::uint16_t port) {
  model::Socket socket;
  socket.family = local.is_v6() ? model::kFamilyInet6 : model::kFamilyInet;
  socket.protocol = protocol;
  socket.state = state;
  socket.local = {local, port, 0};
  socket.peer = {local.is_v6() ? any_v6() : any_v4(), 0, 0};
  return socket;
}

inline model::Socket unix_socket(std::uint16_t type, std::uint8_t state, model::UnixName::Kind kind,
                                 std::string name) {
  model::Socket socket;
  socket.family = model::kFamilyUnix;
  socket.protocol = type;
  socket.state = state;
  socket.name = {kind, std::move(name)};
  return socket;
}

// A host with one namespace, its own.
inline model::Snapshot snapshot() {
  model::Snapshot snapshot;
  snapshot.host.nodename = "web1";
  snapshot.host.kernel = "6.1.0";
  snapshot.host.machine = "x86_64";
  snapshot.host.boot_id = "00000000-0000-4000-8000-000000000001";
  snapshot.capture.begin_realtime_nsec = 1'795'290'127'000'000'000;  // 2026-11-21 19:42:07Z
  snapshot.capture.end_realtime_nsec = 1'795'290'128'500'000'000;
  snapshot.capture.smear_nsec = 38'000'000;
  snapshot.capture.status = "complete";
  snapshot.capture.processes_found = 61;
  snapshot.capture.processes_read = 61;
  snapshot.namespaces.push_back({4026531840, "", "collector", true});
  snapshot.users = {{0, "root"}, {33, "www-data"}};
  snapshot.interfaces = {{1, "lo"}, {2, "eth0"}};
  return snapshot;
}

// README's scene: a server on 8080 whose shell inherited the listener.
inline model::Snapshot scene() {
  auto result = snapshot();
  result.processes.push_back(process(80, "python3"));
  result.processes.push_back(process(81, "sh", 80));
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v6(), 8080);
  listener.recv_queue = 0;
  listener.send_queue = 100;
  listener.inode = 4711;
  listener.cookie = 0x1234;
  listener.uid = 0;
  listener.details = std::make_unique<model::SocketDetails>();
  listener.details->v6only = false;
  listener.owners.push_back(created(0, {37}));
  listener.owners.push_back(inherited(1, {38}, 0));
  listener.sightings.push_back({model::View::inet_diag, 1, 0, 96});
  result.members = {"netns/4026531840/netlink/tcp.1"};
  result.sockets.push_back(std::move(listener));
  return result;
}

}  // namespace ssnap::test
