// One row a socket, from all views.
#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>

#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// What makes a socket of one dump the same as that of another. Cookies are unique in one boot; where a kernel sends
// none, the addresses have to do.
struct Identity {
  std::uint32_t netns;
  std::uint16_t family, protocol;
  std::uint64_t number;  // cookie or inode
  bool operator==(const Identity&) const = default;
};
struct IdentityHash {
  std::size_t operator()(const Identity& id) const {
    std::uint64_t hash = id.number * 0x9e3779b97f4a7c15u;
    hash ^= (static_cast<std::uint64_t>(id.netns) << 32 | static_cast<std::uint64_t>(id.family) << 16 | id.protocol) *
            0xc2b2ae3d27d4eb4fu;
    return static_cast<std::size_t>(hash ^ hash >> 29);
  }
};
using IdentityIndex = std::unordered_map<Identity, std::uint32_t, IdentityHash>;

// The address pair of a connection, within its namespace and protocol.
std::string address_key(std::uint32_t netns, std::uint16_t family, std::uint16_t protocol, const base::IpAddress& local,
                        std::uint16_t local_port, const base::IpAddress& peer, std::uint16_t peer_port) {
  std::string key;
  key.reserve(48);
  const auto number = [&](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) key += static_cast<char>(value >> (8 * i));
  };
  number(netns, 4);
  number(family, 2);
  number(protocol, 2);
  number(local_port, 2);
  number(peer_port, 2);
  key.append(local.bytes.begin(), local.bytes.begin() + local.length);
  key.append(peer.bytes.begin(), peer.bytes.begin() + peer.length);
  return key;
}

std::string address_key(const Socket& socket) {
  return address_key(socket.netns, socket.family, socket.protocol, socket.local.address, socket.local.port,
                     socket.peer.address, socket.peer.port);
}

bool is_inet(const Socket& socket) {
  return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
}

// States in which a TCP socket is only an address pair to the kernel: no queues, no uid.
bool is_mini_socket(std::uint8_t state) {
  return state == model::kStateTimeWait || state == model::kStateSynRecv || state == model::kStateNewSynRecv;
}

std::unique_ptr<model::SocketDetails> details_of(decode::InetDiagAttributes& from) {
  auto details = std::make_unique<model::SocketDetails>();
  details->tos = from.tos;
  details->tclass = from.tclass;
  details->shutdown = from.shutdown;
  details->v6only = from.v6only;
  details->mark = from.mark;
  details->class_id = from.class_id;
  details->cgroup_id = from.cgroup_id;
  details->sockopt = from.sockopt;
  details->congestion = std::move(from.congestion);
  if (from.skmeminfo) details->skmeminfo = std::move(from.skmeminfo->words);
  return details;
}

Socket socket_of(decode::InetDiagRecord& record, std::uint16_t protocol, std::uint32_t netns) {
  Socket socket;
  socket.netns = netns;
  socket.family = record.family;
  socket.protocol = protocol;
  socket.state = record.state;
  // 6.8 and later list bound sockets that neither listen nor are connected; they come as TCP_CLOSE.
  if (protocol == model::kProtocolTcp && record.state == model::kStateUnconn)
    socket.state = model::kStateBoundInactive;
  socket.local = {record.local, record.local_port, record.interface_index};
  socket.peer = {record.peer, record.peer_port, 0};
  if (record.inode != 0) socket.inode = record.inode;
  socket.cookie = record.cookie;
  if (!is_mini_socket(record.state)) {
    socket.recv_queue = record.recv_queue;
    socket.send_queue = record.send_queue;
    // Without an inode there is no file, and the kernel reports uid 0 for want of one: that is not root's.
    if (record.inode != 0) socket.uid = record.uid;
  }
  if (record.timer != 0) socket.timer = model::Timer{record.timer, record.expires_msec, record.retransmits};
  if (record.attributes) {
    socket.details = details_of(*record.attributes);
    if (record.attributes->protocol) socket.details->raw_protocol = *record.attributes->protocol;
  }
  return socket;
}

Socket socket_of(decode::UnixDiagRecord& record, std::uint32_t netns) {
  Socket socket;
  socket.netns = netns;
  socket.family = model::kFamilyUnix;
  socket.protocol = record.type;
  socket.state = record.state;
  if (record.inode != 0) socket.inode = record.inode;
  socket.cookie = record.cookie;
  if (record.name && !record.name->empty()) {
    const bool is_abstract = record.name->front() == '\0';
    socket.name.kind = is_abstract ? model::UnixName::Kind::abstract_name : model::UnixName::Kind::path;
    socket.name.bytes = is_abstract ? record.name->substr(1) : std::move(*record.name);
  }
  socket.peer_inode = record.peer_inode;
  socket.recv_queue = record.recv_queue;
  socket.send_queue = record.send_queue;
  if (record.inode != 0) socket.uid = record.uid;
  auto details = std::make_unique<model::SocketDetails>();
  details->shutdown = record.shutdown;
  details->skmeminfo = std::move(record.skmeminfo);
  details->vfs_inode = record.vfs_inode;
  details->vfs_device = record.vfs_device;
  details->pending_inodes = std::move(record.pending_inodes);
  socket.details = std::move(details);
  return socket;
}

void see(Socket& socket, model::View view, const Origin& origin, std::uint64_t offset) {
  socket.sightings.push_back({view, static_cast<std::uint8_t>(origin.pass), origin.member, offset});
}

// Adds a dumped socket, or only its sighting where it is known (a dump repeats sockets; a second pass sees them again).
void add_dumped(IdentityIndex& known, Socket socket, model::View view, const Origin& origin, std::uint64_t offset,
                model::Snapshot& snapshot) {
  const Identity id{socket.netns, socket.family, socket.protocol, *socket.cookie};
  const auto [at, is_new] = known.emplace(id, static_cast<std::uint32_t>(snapshot.sockets.size()));
  if (is_new) snapshot.sockets.push_back(std::move(socket));
  see(snapshot.sockets[at->second], view, origin, offset);
}

// Sockets by inode, and those of a connection by their addresses.
struct ViewIndex {
  IdentityIndex by_inode;
  std::unordered_multimap<std::string, std::uint32_t> by_address;
};

void add_to_index(ViewIndex& index, const Socket& socket, std::uint32_t at) {
  if (socket.inode) index.by_inode.emplace(Identity{socket.netns, socket.family, socket.protocol, *socket.inode}, at);
  if (!socket.inode || socket.peer.port != 0) index.by_address.emplace(address_key(socket), at);
}

ViewIndex index_inet(const model::Snapshot& snapshot) {
  ViewIndex index;
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (is_inet(snapshot.sockets[i])) add_to_index(index, snapshot.sockets[i], i);
  return index;
}

// The socket of a row of /proc/net: by its inode; else, where one of the two has none (the row was read before the
// connection was accepted, or after it was closed), by the addresses.
std::optional<std::uint32_t> find_match(const ViewIndex& index, const ProcNetInetTable& table, std::uint32_t netns,
                                        const decode::ProcNetInetRow& row, const model::Snapshot& snapshot) {
  if (row.inode != 0) {
    const auto at = index.by_inode.find(Identity{netns, table.family, table.protocol, row.inode});
    if (at != index.by_inode.end()) return at->second;
  }
  const auto [begin, end] = index.by_address.equal_range(
      address_key(netns, table.family, table.protocol, row.local, row.local_port, row.peer, row.peer_port));
  for (auto at = begin; at != end; ++at) {
    const Socket& candidate = snapshot.sockets[at->second];
    if (row.inode == 0 || !candidate.inode) return at->second;
  }
  return std::nullopt;
}

Socket socket_of(const ProcNetInetTable& table, const decode::ProcNetInetRow& row, std::uint32_t netns,
                 std::int64_t clk_tck) {
  constexpr std::uint64_t kMaxTimerTicks = UINT64_MAX / 1000;
  Socket socket;
  socket.netns = netns;
  socket.family = table.family;
  socket.protocol = table.protocol;
  socket.state = row.state;
  socket.local = {row.local, row.local_port, 0};
  socket.peer = {row.peer, row.peer_port, 0};
  if (row.inode != 0) socket.inode = row.inode;
  if (!is_mini_socket(row.state)) {
    socket.recv_queue = row.recv_queue;
    // A listener's limit is not in this view: its tx_queue is always 0.
    if (row.state != model::kStateListen || table.protocol != model::kProtocolTcp) socket.send_queue = row.send_queue;
    if (row.inode != 0) socket.uid = row.uid;
  }
  if (row.timer != 0) {
    model::Timer timer{row.timer, std::nullopt, row.retransmits};
    if (clk_tck > 0 && row.timer_expires_ticks <= kMaxTimerTicks)
      timer.expires_msec = row.timer_expires_ticks * 1000 / static_cast<std::uint64_t>(clk_tck);
    socket.timer = timer;
  }
  if (table.protocol == model::kProtocolRaw) {
    // The raw tables print the IP protocol where others print the port.
    socket.local.port = 0;
    socket.details = std::make_unique<model::SocketDetails>();
    socket.details->raw_protocol = row.local_port;
  }
  return socket;
}

// The rows of /proc/net/unix carry enum socket_state; the rest of the world speaks in TCP_* numbers. unix_seq_show()
// prints SS_CONNECTING for an established socket that no process has accepted yet (unix_diag leaves those out).
std::uint8_t state_of(const decode::ProcNetUnixRow& row) {
  constexpr std::uint32_t kSoAcceptcon = 0x10000;
  constexpr std::uint8_t kSsConnecting = 2, kSsConnected = 3;
  if ((row.flags & kSoAcceptcon) != 0) return model::kStateListen;
  if (row.socket_state == kSsConnected || row.socket_state == kSsConnecting) return model::kStateEstab;
  return model::kStateUnconn;
}

// A name as /proc/net/unix prints it: '@' for the leading NUL of an abstract name and for every further NUL.
std::string printed_name(const model::UnixName& name) {
  if (name.kind == model::UnixName::Kind::none) return "";
  if (name.kind == model::UnixName::Kind::path) return name.bytes;
  std::string text = "@" + name.bytes;
  std::replace(text.begin(), text.end(), '\0', '@');
  return text;
}

using UnixRowKey = std::tuple<std::uint64_t, std::uint16_t, std::uint8_t, std::string>;
UnixRowKey key_of(const decode::ProcNetUnixRow& row) {
  return {row.inode, row.type, row.socket_state, row.path.value_or("")};
}

// A newline in a name goes to /proc/net/unix as it is, so that the rest of the name may look like rows of other
// sockets. The names that netlink gave tell which rows are such a rest: they must not become sockets.
std::map<UnixRowKey, int> forged_rows(const model::Snapshot& snapshot, std::uint32_t netns) {
  std::map<UnixRowKey, int> forged;
  for (const Socket& socket : snapshot.sockets) {
    if (socket.family != model::kFamilyUnix || socket.netns != netns) continue;
    const std::string text = printed_name(socket.name);
    const auto newline = text.find('\n');
    if (newline == std::string::npos) continue;
    for (const auto& row : decode::decode_proc_net_unix(text.substr(newline + 1) + "\n").rows) ++forged[key_of(row)];
  }
  return forged;
}

}  // namespace

void merge_inet_dumps(Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  IdentityIndex known;
  for (auto& [origin, dump] : records.inet_dumps) {
    const std::uint32_t netns = namespaces.index_of(origin.netns);
    const std::uint16_t protocol = dump.request_protocol.value_or(model::kProtocolTcp);
    snapshot.sockets.reserve(snapshot.sockets.size() + dump.rows.size());
    for (auto& record : dump.rows)
      add_dumped(known, socket_of(record, protocol, netns), model::View::inet_diag, origin, record.offset, snapshot);
    dump.rows.clear();
  }
}

void merge_unix_dumps(Records& records, NamespaceIndex& namespaces, model::Snapshot& snapshot) {
  IdentityIndex known;
  for (auto& [origin, dump] : records.unix_dumps) {
    const std::uint32_t netns = namespaces.index_of(origin.netns);
    for (auto& record : dump.rows)
      add_dumped(known, socket_of(record, netns), model::View::unix_diag, origin, record.offset, snapshot);
    dump.rows.clear();
  }
}

void merge_proc_net_inet(const Records& records, NamespaceIndex& namespaces, const Options& options,
                         model::Snapshot& snapshot) {
  ViewIndex index = index_inet(snapshot);
  for (const ProcNetInetTable& table : records.proc_net_inet) {
    const std::uint32_t netns = namespaces.index_of(table.origin.netns);
    // /proc/net/tcp repeats rows when connections come and go: a second row of a socket is a second sighting.
    for (const auto& row : table.rows) {
      auto at = find_match(index, table, netns, row, snapshot);
      if (!at) {
        at = static_cast<std::uint32_t>(snapshot.sockets.size());
        snapshot.sockets.push_back(socket_of(table, row, netns, snapshot.host.clk_tck));
        add_to_index(index, snapshot.sockets[*at], *at);
      }
      see(snapshot.sockets[*at], table.view, table.origin, row.offset);
      if (!options.keep_proc_net_rows) continue;
      model::ProcNetRow kept;
      kept.view = table.view;
      kept.netns = netns;
      kept.socket = *at;
      kept.state = row.state;
      kept.timer = row.timer;
      kept.recv_queue = row.recv_queue;
      kept.send_queue = row.send_queue;
      kept.timer_expires_ticks = row.timer_expires_ticks;
      kept.retransmits = row.retransmits;
      kept.timeout = row.timeout;
      kept.uid = row.uid;
      kept.inode = row.inode;
      snapshot.proc_net_rows.push_back(std::move(kept));
    }
  }
}

void merge_proc_net_unix(const Records& records, NamespaceIndex& namespaces, const Options& options,
                         model::Snapshot& snapshot) {
  for (const ProcNetUnixTable& table : records.proc_net_unix) {
    const std::uint32_t netns = namespaces.index_of(table.origin.netns);
    std::map<UnixRowKey, int> forged = forged_rows(snapshot, netns);
    std::unordered_map<std::uint64_t, std::uint32_t> by_inode;
    std::multimap<std::pair<std::uint16_t, std::string>, std::uint32_t> pending;  // no inode: type and name
    for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
      const Socket& socket = snapshot.sockets[i];
      if (socket.family != model::kFamilyUnix || socket.netns != netns) continue;
      if (socket.inode) by_inode.emplace(*socket.inode, i);
      else pending.emplace(std::pair{socket.protocol, printed_name(socket.name)}, i);
    }
    for (const auto& row : table.rows) {
      if (const auto at = forged.find(key_of(row)); at != forged.end() && at->second > 0) {
        --at->second;
        snapshot.problems.push_back({snapshot.members[table.origin.member], row.offset,
                                     "a row forged by a newline in a socket's name; passed over"});
        continue;
      }
      std::optional<std::uint32_t> at;
      if (row.inode != 0) {
        if (const auto known = by_inode.find(row.inode); known != by_inode.end()) at = known->second;
      } else if (const auto known = pending.find({row.type, row.path.value_or("")}); known != pending.end()) {
        at = known->second;
        pending.erase(known);
      }
      if (!at) {
        Socket socket;
        socket.netns = netns;
        socket.family = model::kFamilyUnix;
        socket.protocol = row.type;
        socket.state = state_of(row);
        if (row.inode != 0) socket.inode = row.inode;
        if (row.path && !row.path->empty()) {
          const bool is_abstract = row.path->front() == '@';
          socket.name.kind = is_abstract ? model::UnixName::Kind::abstract_name : model::UnixName::Kind::path;
          socket.name.bytes = is_abstract ? row.path->substr(1) : *row.path;
        }
        at = static_cast<std::uint32_t>(snapshot.sockets.size());
        snapshot.sockets.push_back(std::move(socket));
        if (row.inode != 0) by_inode.emplace(row.inode, *at);
      }
      see(snapshot.sockets[*at], model::View::proc_net_unix, table.origin, row.offset);
      if (!options.keep_proc_net_rows) continue;
      model::ProcNetRow kept;
      kept.view = model::View::proc_net_unix;
      kept.netns = netns;
      kept.socket = *at;
      kept.state = row.socket_state;
      kept.inode = row.inode;
      kept.ref_count = row.ref_count;
      kept.flags = row.flags;
      kept.path = row.path.value_or("");
      snapshot.proc_net_rows.push_back(std::move(kept));
    }
  }
}

void sort_sockets(model::Snapshot& snapshot) {
  const auto order = [](const Socket& s) {
    return std::tie(s.netns, s.family, s.protocol, s.state, s.local.port, s.local.address, s.peer.port, s.peer.address,
                    s.name.bytes, s.inode, s.cookie);
  };
  std::vector<std::uint32_t> sorted(snapshot.sockets.size());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) sorted[i] = i;
  std::stable_sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
    return order(snapshot.sockets[a]) < order(snapshot.sockets[b]);
  });
  std::vector<Socket> sockets(snapshot.sockets.size());
  std::vector<std::uint32_t> moved_to(sorted.size());
  for (std::uint32_t i = 0; i < sorted.size(); ++i) {
    moved_to[sorted[i]] = i;
    sockets[i] = std::move(snapshot.sockets[sorted[i]]);
  }
  snapshot.sockets = std::move(sockets);
  for (auto& row : snapshot.proc_net_rows) row.socket = moved_to[row.socket];
}

}  // namespace ssnap::reconstruct
