// UNIX sockets: unix_diag, and /proc/net/unix as the second view.
#include <algorithm>
#include <string>
#include <tuple>

#include "base/hash.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// `abstract_mark`: what a view puts before an abstract name.
model::UnixName unix_name(std::string_view text, char abstract_mark) {
  const bool is_abstract = text.front() == abstract_mark;
  return {is_abstract ? model::UnixName::Kind::abstract_name : model::UnixName::Kind::path, std::string(text.substr(is_abstract))};
}

Socket socket_of(decode::UnixDiagRecord& record, std::uint32_t netns) {
  Socket socket;
  socket.netns = netns;
  socket.family = model::kFamilyUnix;
  socket.protocol = record.type;
  socket.state = record.state;
  if (record.inode != 0) socket.inode = record.inode;
  socket.cookie = record.cookie;
  if (record.name && !record.name->empty()) socket.name = unix_name(*record.name, '\0');
  // A peer that is not accepted yet has inode 0: none.
  if (record.peer_inode.value_or(0) != 0) socket.peer_inode = record.peer_inode;
  socket.recv_queue = record.recv_queue;
  socket.send_queue = record.send_queue;
  if (record.inode != 0) socket.uid = record.uid;
  auto details = std::make_unique<model::SocketDetails>();
  details->shutdown = record.shutdown;
  details->skmeminfo = std::move(record.skmeminfo);
  if (record.vfs_inode || record.vfs_device || !record.pending_inodes.empty()) {
    model::RareDetails& rare = details->rare.make();
    rare.vfs_inode = record.vfs_inode;
    rare.vfs_device = record.vfs_device;
    rare.pending_inodes = std::move(record.pending_inodes);
  }
  socket.details = std::move(details);
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
std::map<UnixRowKey, int> forged_rows(const model::Snapshot& snapshot, const std::vector<std::uint32_t>& sockets) {
  std::map<UnixRowKey, int> forged;
  for (const std::uint32_t i : sockets) {
    const std::string text = printed_name(snapshot.sockets[i].name);
    const auto newline = text.find('\n');
    if (newline == std::string::npos) continue;
    for (const auto& row : decode::decode_proc_net_unix(text.substr(newline + 1) + "\n").rows) ++forged[key_of(row)];
  }
  return forged;
}

}  // namespace

void merge_unix_dumps(Records& records, DumpMerge& merge) {
  for (auto& [origin, dump] : records.unix_dumps) {
    const std::uint32_t netns = merge.netns(origin);
    for (auto& record : dump.rows) {
      const std::uint64_t offset = record.offset;
      merge.add(socket_of(record, netns), model::View::unix_diag, origin, offset);
    }
    dump.rows.clear();
  }
}

void merge_proc_net_unix(const Records& records, NamespaceIndex& namespaces, const Options& options,
                         model::Snapshot& snapshot) {
  auto dumped = sockets_by_netns(snapshot, model::kFamilyUnix);
  for (const ProcNetUnixTable& table : records.proc_net_unix) {
    const std::uint32_t netns = namespaces.index_of(table.origin.netns);
    std::map<UnixRowKey, int> forged = forged_rows(snapshot, dumped[netns]);
    base::HashMap<std::uint64_t, std::uint32_t> by_inode;
    std::multimap<std::pair<std::uint16_t, std::string>, std::uint32_t> pending;  // no inode: type and name
    for (const std::uint32_t i : dumped[netns]) {
      const Socket& socket = snapshot.sockets[i];
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
        if (row.path && !row.path->empty()) socket.name = unix_name(*row.path, '@');
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
      kept.pointer = row.pointer;
      kept.pointer_digits = row.pointer_digits;
      snapshot.proc_net_rows.push_back(std::move(kept));
    }
  }
}

}  // namespace ssnap::reconstruct
