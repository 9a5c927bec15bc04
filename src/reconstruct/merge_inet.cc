// IP sockets: inet_diag, and /proc/net as the second view.
#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/hash.h"
#include "base/text_cursor.h"
#include "reconstruct/merge.h"
#include "reconstruct/ping_rows.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// The address pair of a connection, within its namespace and protocol. A family has addresses of one length.
using AddressKey = SocketKey<6>;
AddressKey address_key(std::uint32_t netns, std::uint16_t family, std::uint16_t protocol, const base::IpAddress& local,
                       std::uint32_t local_port, const base::IpAddress& peer, std::uint32_t peer_port) {
  AddressKey key{std::uint64_t{netns} << 32 | std::uint64_t{family} << 16 | protocol,
                 std::uint64_t{local_port} << 32 | peer_port};
  std::memcpy(&key[2], local.bytes.data(), local.bytes.size());
  std::memcpy(&key[4], peer.bytes.data(), peer.bytes.size());
  return key;
}

AddressKey address_key(const Socket& socket) {
  return address_key(socket.netns, socket.family, socket.protocol, socket.local.address, socket.local.port,
                     socket.peer.address, socket.peer.port);
}

bool is_inet(const Socket& socket) {
  return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
}

// States in which a TCP socket is only an address pair to the kernel: no queues, no uid. (A simultaneous open makes a
// SYN-RECV socket with a file behind it.)
bool is_mini_socket(std::uint8_t state, std::uint64_t inode) {
  return state == model::kStateTimeWait ||
         (inode == 0 && (state == model::kStateSynRecv || state == model::kStateNewSynRecv));
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
  if (from.skmeminfo) details->skmeminfo = std::move(*from.skmeminfo);
  if (!from.extras) return details;
  decode::InetDiagExtras& extras = *from.extras;
  if (extras.ulp) {
    details->rare.make().ulp = extras.ulp->name.value_or("");
    if (const auto& mptcp = extras.ulp->mptcp)
      details->rare.make().subflow = model::Subflow{mptcp->local_token, mptcp->remote_token, mptcp->local_id, mptcp->remote_id};
  }
  if (extras.md5_peers) details->rare.make().md5_peers = extras.md5_peers->size();
  for (const auto& address : extras.locals) details->rare.make().further_locals.push_back(address.address);
  for (const auto& address : extras.peers) details->rare.make().further_peers.push_back(address.address);
  return details;
}

model::SocketDetails& details(Socket& socket) {
  if (!socket.details) socket.details = std::make_unique<model::SocketDetails>();
  return *socket.details;
}

// sctp_diag tells of a socket, and then of each of its associations (net/sctp/diag.c, sctp_sock_dump); only an association
// has a list of peers. A one-to-one socket has its association's peer itself.
bool is_association(const decode::InetDiagRecord& record) {
  return record.attributes && record.attributes->extras && !record.attributes->extras->peers.empty();
}

// An association's row has enum sctp_state (include/net/sctp/constants.h): 0 CLOSED, 1 COOKIE_WAIT, 2 COOKIE_ECHOED,
// 3 ESTABLISHED, then those of its shutdown. Told in TCP's words, by what is going on.
std::uint8_t state_of_association(std::uint8_t state) {
  switch (state) {
    case 0: return model::kStateUnconn;
    case 1:
    case 2: return model::kStateSynSent;
    case 3: return model::kStateEstab;
    default: return model::kStateClosing;
  }
}

// A one-to-one socket, whose association comes next.
bool is_repeated_by_association(const std::vector<decode::InetDiagRecord>& rows, std::size_t at) {
  if (at + 1 >= rows.size() || is_association(rows[at]) || !is_association(rows[at + 1])) return false;
  const auto ends = [](const decode::InetDiagRecord& row) {
    return std::tie(row.cookie, row.local_port, row.peer_port, row.peer);
  };
  return ends(rows[at]) == ends(rows[at + 1]);
}

// TCP_MAX_STATES of a kernel (include/net/tcp_states.h), by its release ("6.1.0-50-amd64"): TCP_NEW_SYN_RECV came in 4.1,
// TCP_BOUND_INACTIVE in 6.8. Unknown: that of most releases that have DCCP.
std::uint8_t tcp_max_states(std::string_view release) {
  using Version = std::pair<unsigned, unsigned>;
  constexpr std::uint8_t kOfMost = 13;
  const auto dot = release.find('.');
  if (dot == std::string_view::npos) return kOfMost;
  const std::string_view rest = release.substr(dot + 1);
  const auto major = base::parse_integer<unsigned>(release.substr(0, dot));
  const auto minor = base::parse_integer<unsigned>(rest.substr(0, rest.find_first_not_of("0123456789")));
  if (!major || !minor) return kOfMost;
  if (Version(*major, *minor) < Version(4, 1)) return 12;
  return Version(*major, *minor) < Version(6, 8) ? 13 : 14;
}

// enum dccp_state (include/linux/dccp.h): TCP's numbers, and after them two of its own.
std::uint8_t state_of_dccp(std::uint8_t state, std::uint8_t tcp_states) {
  if (state < tcp_states) return state;
  return state == tcp_states ? model::kStatePartopen : model::kStatePassiveCloseReq;
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
  if (protocol == model::kProtocolSctp && is_association(record)) socket.state = state_of_association(record.state);
  socket.local = {record.local, record.local_port, record.interface_index, {}};
  socket.peer = {record.peer, record.peer_port, 0, {}};
  if (record.inode != 0) socket.inode = record.inode;
  socket.cookie = record.cookie;
  if (!is_mini_socket(record.state, record.inode)) {
    socket.recv_queue = record.recv_queue;
    socket.send_queue = record.send_queue;
    // Without an inode there is no file, and many kernels report uid 0 for want of one: that is not root's. Newer ones
    // keep the creator's.
    if (record.inode != 0 || record.uid != 0) socket.uid = record.uid;
  }
  if (record.timer != 0) socket.timer = model::Timer{record.timer, record.expires_msec, record.retransmits};
  if (record.attributes) {
    socket.details = details_of(*record.attributes);
  }
  if (protocol == model::kProtocolRaw) {
    // raw_diag puts the IP protocol where others have the port.
    socket.local.port = 0;
    details(socket).raw_protocol = record.local_port;
    if (record.attributes && record.attributes->protocol) details(socket).raw_protocol = *record.attributes->protocol;
  }
  return socket;
}

// Sockets by inode, and those of a connection by their addresses. Of several that a key fits, the first: each look-up is
// one step, however many share an inode or an address.
struct ViewIndex {
  IdentityIndex by_inode;
  SocketIndex<7> by_inode_and_address;  // those of shared inodes but the first
  SocketIndex<6> by_address;
  SocketIndex<6> by_address_alone;  // those that have no inode
};

SocketKey<7> inode_and_address(std::uint64_t inode, const AddressKey& address) {
  SocketKey<7> key{inode};
  std::copy(address.begin(), address.end(), key.begin() + 1);
  return key;
}

void add_to_index(ViewIndex& index, const Socket& socket, std::uint32_t at) {
  if (socket.inode) {
    const auto first = index.by_inode.add(identity(socket.netns, socket.family, socket.protocol, *socket.inode), at);
    if (first != at) index.by_inode_and_address.add(inode_and_address(*socket.inode, address_key(socket)), at);
  }
  if (socket.inode && socket.peer.port == 0) return;
  const AddressKey key = address_key(socket);
  if (!socket.inode) index.by_address_alone.add(key, at);
  index.by_address.add(key, at);
}

ViewIndex index_inet(const model::Snapshot& snapshot) {
  ViewIndex index;
  const auto count = static_cast<std::size_t>(std::count_if(snapshot.sockets.begin(), snapshot.sockets.end(), is_inet));
  index.by_inode.reserve(count);
  index.by_address.reserve(count);
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (is_inet(snapshot.sockets[i])) add_to_index(index, snapshot.sockets[i], i);
  return index;
}

// The socket of a row of /proc/net: by its inode; else, where one of the two has none (the row was read before the
// connection was accepted, or after it was closed), by the addresses.
std::optional<std::uint32_t> find_match(const ViewIndex& index, const ProcNetInetTable& table, std::uint32_t netns,
                                        const decode::ProcNetInetRow& row, const model::Snapshot& snapshot) {
  std::optional<std::uint32_t> same;
  bool is_shared = false;
  if (row.inode != 0) {
    index.by_inode.visit(identity(netns, table.family, table.protocol, row.inode), [&](std::uint32_t at) {
      is_shared = same.has_value();
      if (!is_shared) same = at;
      return !is_shared;
    });
  }
  if (same) {
    const Socket& first = snapshot.sockets[*same];
    if (!is_shared || (first.local.address == row.local && first.local.port == row.local_port &&
                       first.peer.address == row.peer && first.peer.port == row.peer_port))
      return same;
  }
  const AddressKey key =
      address_key(netns, table.family, table.protocol, row.local, row.local_port, row.peer, row.peer_port);
  // The subflows of an MPTCP connection share one inode: among several, the addresses decide.
  if (same)
    if (const auto exact = index.by_inode_and_address.first(inode_and_address(row.inode, key))) return exact;
  return (row.inode == 0 ? index.by_address : index.by_address_alone).first(key);
}

Socket socket_of(const ProcNetInetTable& table, const decode::ProcNetInetRow& row, std::uint32_t netns,
                 std::int64_t clk_tck) {
  constexpr std::uint64_t kMaxTimerTicks = UINT64_MAX / 1000;
  Socket socket;
  socket.netns = netns;
  socket.family = table.family;
  socket.protocol = table.protocol;
  socket.state = row.state;
  socket.local = {row.local, row.local_port, 0, {}};
  socket.peer = {row.peer, row.peer_port, 0, {}};
  if (row.inode != 0) socket.inode = row.inode;
  if (!is_mini_socket(row.state, row.inode)) {
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

}  // namespace

void merge_inet_dumps(Records& records, const model::Host& host, DumpMerge& merge) {
  const std::uint8_t tcp_states = tcp_max_states(host.kernel.value_or(""));
  for (InetDump& from : records.inet_dumps) {
    const std::uint32_t netns = merge.netns(from.origin);
    const std::uint16_t protocol = from.dump.request_protocol.value_or(model::kProtocolTcp);
    for (std::size_t i = 0; i < from.dump.rows.size(); ++i) {
      auto& record = from.dump.rows[i];
      // What follows says the same, and more.
      if (protocol == model::kProtocolSctp && is_repeated_by_association(from.dump.rows, i)) continue;
      Socket socket = socket_of(record, protocol, netns);
      if (protocol == model::kProtocolDccp) socket.state = state_of_dccp(socket.state, tcp_states);
      record.attributes.reset();
      if (i < from.info.size() && !from.info[i].empty()) details(socket).info = std::move(from.info[i]);
      // The associations of a one-to-many SCTP socket have its cookie and inode.
      const std::uint64_t beside =
          protocol == model::kProtocolSctp ? base::SeededHash()(address_key(socket)) : 0;
      merge.add(std::move(socket), model::View::inet_diag, from.origin, record.offset, beside);
    }
    // Their memory too: the next dump may be as large.
    std::vector<decode::InetDiagRecord>().swap(from.dump.rows);
    std::vector<model::InfoFields>().swap(from.info);
  }
}

void merge_proc_net_inet(Records& records, NamespaceIndex& namespaces, const Options& options,
                         model::Snapshot& snapshot) {
  ViewIndex index = index_inet(snapshot);
  const PingRows ping(records);
  std::vector<std::pair<const ProcNetInetTable*, const decode::ProcNetInetRow*>> repeated;
  for (const ProcNetInetTable& table : records.proc_net_inet) {
    const std::uint32_t netns = namespaces.index_of(table.origin.netns);
    // /proc/net/tcp repeats rows when connections come and go: a second row of a socket is a second sighting.
    for (const auto& row : table.rows) {
      if (ping.is_repeated(table, row)) {
        repeated.emplace_back(&table, &row);
        continue;
      }
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
  for (const auto& [table, row] : repeated) {
    const bool is_ip6 = table->family == model::kFamilyInet;
    const auto other = identity(namespaces.index_of(table->origin.netns), is_ip6 ? model::kFamilyInet6 : model::kFamilyInet,
                                is_ip6 ? model::kProtocolIcmp6 : model::kProtocolIcmp, row->inode);
    index.by_inode.visit(other, [&](std::uint32_t at) {
      see(snapshot.sockets[at], table->view, table->origin, row->offset);
      return false;
    });
  }
  for (ProcNetInetTable& table : records.proc_net_inet) std::vector<decode::ProcNetInetRow>().swap(table.rows);
}

}  // namespace ssnap::reconstruct
