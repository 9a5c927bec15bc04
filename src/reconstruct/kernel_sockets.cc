// Sockets that the kernel opened for itself: they have an inode like any other, and no process has a descriptor of them.
// What made them (a tunnel, a mount, a server in the kernel) is told elsewhere.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/hash.h"
#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

bool is_inet(const Socket& socket) {
  return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
}

bool is_unexplained(const Socket& socket) { return socket.owners.empty() && !socket.ownerless_reason; }

// The end of a tunnel: bound, to any address or to one, and not connected.
bool may_be_tunnels(const Socket& socket) {
  return is_inet(socket) && socket.protocol == model::kProtocolUdp && socket.local.port != 0 && socket.peer.port == 0 &&
         is_unexplained(socket);
}

void explain(Socket& socket, std::string detail) {
  socket.ownerless_reason = {model::OwnerlessCode::kernel, std::move(detail)};
  // The uid of a socket's creator, and the kernel has none: 0 is not root here.
  if (socket.uid == 0u) socket.uid.reset();
}

// "vxlan vx0, vxlan vx1, ...": several links may share a socket.
std::string join_names(const std::set<std::string>& names) {
  constexpr std::size_t kMaxNamed = 4;
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (++count > kMaxNamed) return text + ", ...";
    text += (count > 1 ? ", " : "") + name;
  }
  return text;
}

std::string namespace_text(const model::Namespace& netns) {
  if (netns.own) return "the collector's namespace";
  return "namespace " + (netns.name.empty() ? std::to_string(netns.inode) : netns.name);
}

// Kinds of links whose socket has a port that rtnetlink does not tell, but the protocol fixes (drivers/net/gtp.c, amt.c).
struct FixedPort {
  std::string_view kind;
  std::uint32_t port;
};
constexpr FixedPort kFixedPorts[] = {{"gtp", 2152}, {"gtp", 3386}, {"amt", 2268}};

// Servers in the kernel, by the thread that serves them (fs/nfsd/nfssvc.c, fs/smb/server).
struct KernelServer {
  std::string_view thread;  // how its comm begins
  std::uint32_t port;
  std::string_view name;
};
constexpr KernelServer kServers[] = {{"nfsd", 2049, "nfsd"}, {"ksmbd", 445, "ksmbd"}};

// Links by the namespace and port of their socket.
struct Tunnels {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::set<std::string>> here;
  // Moved to another namespace after they were made: the socket stayed behind, in one that has only a number there.
  struct Moved {
    std::uint32_t now_in;
    std::string name;
    auto operator<=>(const Moved&) const = default;
  };
  std::map<std::uint32_t, std::set<Moved>> moved;  // by port
  std::map<std::uint32_t, std::set<std::string>> wireguard;  // by namespace: its port is not told
};

Tunnels collect_tunnels(const Records& records, const model::Snapshot& snapshot) {
  Tunnels tunnels;
  for (std::uint32_t netns = 0; netns < snapshot.namespaces.size(); ++netns) {
    const auto facts = records.netns_facts.find(snapshot.namespaces[netns].inode);
    if (facts == records.netns_facts.end() || snapshot.namespaces[netns].unknown) continue;
    for (const TunnelLink& link : facts->second.tunnels) {
      const std::string name = link.kind + " " + link.name;
      if (link.kind == "wireguard") tunnels.wireguard[netns].insert(name);
      std::vector<std::uint32_t> ports;
      if (link.port) ports.push_back(*link.port);
      for (const FixedPort& fixed : kFixedPorts)
        if (fixed.kind == link.kind) ports.push_back(fixed.port);
      for (const std::uint32_t port : ports) {
        if (link.made_in_netns) tunnels.moved[port].insert({netns, name});
        else tunnels.here[{netns, port}].insert(name);
      }
    }
  }
  return tunnels;
}

void explain_tunnels(const Tunnels& tunnels, model::Snapshot& snapshot) {
  // By port: the sockets that no link of their own namespace explains, for those that were moved.
  std::map<std::uint32_t, std::vector<std::uint32_t>> left;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    Socket& socket = snapshot.sockets[i];
    if (!may_be_tunnels(socket)) continue;
    if (const auto at = tunnels.here.find({socket.netns, socket.local.port}); at != tunnels.here.end())
      explain(socket, join_names(at->second));
    else if (tunnels.moved.count(socket.local.port) != 0)
      left[socket.local.port].push_back(i);
  }
  for (const auto& [port, sockets] : left) {
    std::set<std::string> names;
    std::set<std::uint32_t> now_in;
    for (const auto& moved : tunnels.moved.at(port)) {
      names.insert(moved.name + ", moved to " + namespace_text(snapshot.namespaces[moved.now_in]));
      now_in.insert(moved.now_in);
    }
    // A link has left the namespace that it was made in.
    std::vector<std::uint32_t> fitting;
    std::set<std::uint32_t> made_in;
    for (const std::uint32_t i : sockets) {
      const std::uint32_t netns = snapshot.sockets[i].netns;
      if (now_in.size() == 1 && *now_in.begin() == netns) continue;
      fitting.push_back(i);
      made_in.insert(netns);
    }
    for (const std::uint32_t i : fitting)
      explain(snapshot.sockets[i], (made_in.size() > 1 ? "probably " : "") + join_names(names));
  }
}

// A wireguard link has one port for both families. Which one only its own netlink family tells, to the privileged.
void explain_wireguard(const Tunnels& tunnels, model::Snapshot& snapshot) {
  if (tunnels.wireguard.empty()) return;
  struct Pair {
    std::vector<std::uint32_t> sockets;
    bool has_v4 = false, has_v6 = false;
  };
  std::map<std::uint32_t, std::map<std::uint32_t, Pair>> pairs;  // by namespace, then port
  std::set<std::uint32_t> with_v6;                               // namespaces that have IPv6 sockets at all
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.family == model::kFamilyInet6) with_v6.insert(socket.netns);
    if (!may_be_tunnels(socket) || !socket.local.address.is_any()) continue;
    Pair& pair = pairs[socket.netns][socket.local.port];
    pair.sockets.push_back(i);
    (socket.family == model::kFamilyInet ? pair.has_v4 : pair.has_v6) = true;
  }
  std::set<std::string> elsewhere;  // links of namespaces without such a pair: they were moved there
  std::vector<std::uint32_t> unclaimed;
  for (auto& [netns, ports] : pairs) {
    std::erase_if(ports, [&, n = netns](const auto& entry) {
      return !entry.second.has_v4 || (!entry.second.has_v6 && with_v6.count(n) != 0);
    });
    if (!ports.empty() && tunnels.wireguard.count(netns) == 0) unclaimed.push_back(netns);
  }
  for (const auto& [netns, names] : tunnels.wireguard)
    if (pairs.count(netns) == 0 || pairs[netns].empty())
      for (const std::string& name : names)
        elsewhere.insert(name + ", moved to " + namespace_text(snapshot.namespaces[netns]));
  const auto claim = [&](std::uint32_t netns, const std::set<std::string>& names) {
    std::string detail = "probably " + join_names(names);
    if (pairs[netns].size() > names.size())
      detail += " (" + std::to_string(pairs[netns].size()) + " ports here have no holder, and its own is not told)";
    for (const auto& [port, pair] : pairs[netns])
      for (const std::uint32_t i : pair.sockets) explain(snapshot.sockets[i], detail);
  };
  for (const auto& [netns, names] : tunnels.wireguard)
    if (pairs.count(netns) != 0) claim(netns, names);
  if (elsewhere.empty()) return;
  for (const std::uint32_t netns : unclaimed) claim(netns, elsewhere);
}

void explain_mounts(const Records& records, model::Snapshot& snapshot) {
  if (records.network_mounts.empty()) return;
  // The kernel prints addresses in the form that ours are printed in (%pI4, %pI6c).
  base::HashMap<std::string, std::set<std::string>> by_address;
  for (const NetworkMount& mount : records.network_mounts)
    by_address[mount.address].insert(mount.fs_type + " on " + mount.mount_point);
  for (Socket& socket : snapshot.sockets) {
    const bool may_be = is_inet(socket) && socket.inode && socket.peer.port != 0 && is_unexplained(socket) &&
                        (socket.protocol == model::kProtocolTcp || socket.protocol == model::kProtocolUdp);
    if (!may_be) continue;
    const auto at = by_address.find(socket.peer.address.unmapped().to_string());
    if (at != by_address.end()) explain(socket, join_names(at->second));
  }
}

void explain_servers(model::Snapshot& snapshot) {
  std::map<std::uint32_t, std::string_view> by_port;
  for (const model::Process& process : snapshot.processes)
    for (const KernelServer& server : kServers)
      if (process.kernel_thread && process.comm.starts_with(server.thread)) by_port.emplace(server.port, server.name);
  if (by_port.empty()) return;
  for (Socket& socket : snapshot.sockets) {
    const bool may_be = is_inet(socket) && socket.inode && is_unexplained(socket) &&
                        (socket.protocol == model::kProtocolTcp || socket.protocol == model::kProtocolUdp);
    const auto at = may_be ? by_port.find(socket.local.port) : by_port.end();
    if (at != by_port.end()) explain(socket, std::string(at->second));
  }
}

// The tables have netlink sockets that are bound; port id 0 is the kernel's own.
bool is_kernels_netlink_socket(const Socket& socket) {
  return socket.family == model::kFamilyNetlink && socket.local.port == 0 && !socket.sightings.empty() &&
         socket.sightings.front().view != model::View::sockprotoname;
}

// TIPC's topology service, which listens in every namespace (net/tipc/topsrv.c, tipc_topsrv_create_listener). tipc_diag
// doesn't tell what a socket is bound to: of several that nobody holds it could be any.
void explain_topology_service(model::Snapshot& snapshot) {
  std::map<std::uint32_t, std::vector<Socket*>> by_netns;
  for (Socket& socket : snapshot.sockets)
    if (socket.family == model::kFamilyTipc && socket.state == model::kStateListen && is_unexplained(socket))
      by_netns[socket.netns].push_back(&socket);
  for (const auto& [netns, sockets] : by_netns)
    if (sockets.size() == 1) explain(*sockets.front(), "TIPC's topology service");
}

// A socket of SMC has one of TCP below it, made by the kernel, with the same addresses (net/smc/af_smc.c,
// smc_create_clcsk).
void explain_below_smc(model::Snapshot& snapshot) {
  const auto ends = [](const Socket& socket) {
    return std::tuple(socket.netns, socket.local.address, socket.local.port, socket.peer.address, socket.peer.port);
  };
  std::set<decltype(ends(Socket{}))> smc;
  for (const Socket& socket : snapshot.sockets)
    if (socket.family == model::kFamilySmc && socket.local.port != 0) smc.insert(ends(socket));
  if (smc.empty()) return;
  for (Socket& socket : snapshot.sockets)
    if (is_inet(socket) && socket.protocol == model::kProtocolTcp && is_unexplained(socket) && smc.contains(ends(socket)))
      explain(socket, "below the SMC socket of the same addresses");
}

}  // namespace

void explain_kernel_sockets(const Records& records, model::Snapshot& snapshot) {
  for (Socket& socket : snapshot.sockets)
    if (is_kernels_netlink_socket(socket) && is_unexplained(socket))
      explain(socket, "the kernel's own end of this netlink protocol");
  const Tunnels tunnels = collect_tunnels(records, snapshot);
  explain_tunnels(tunnels, snapshot);
  explain_wireguard(tunnels, snapshot);
  explain_mounts(records, snapshot);
  explain_servers(snapshot);
  explain_topology_service(snapshot);
  explain_below_smc(snapshot);
}

}  // namespace ssnap::reconstruct
