#include "analyze/select.h"

#include <string_view>

#include "base/text_cursor.h"

namespace ssnap::analyze {
namespace {

bool is_ip(const model::Socket& socket) {
  return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
}

// The table of a socket; 0: none that has a letter.
std::uint32_t table_of(const model::Socket& socket) {
  switch (socket.family) {
    case model::kFamilyUnix:
      return socket.protocol == model::kSocketStream      ? kUnixStream
             : socket.protocol == model::kSocketSeqpacket ? kUnixSeqpacket
                                                          : kUnixDgram;
    case model::kFamilyPacket: return socket.protocol == model::kSocketDgram ? kPacketDgram : kPacketRaw;
    case model::kFamilyNetlink: return kNetlink;
    case model::kFamilyVsock: return socket.protocol == model::kSocketStream ? kVsockStream : kVsockDgram;
    case model::kFamilyXdp: return kXdp;
    case model::kFamilyTipc: return kTipc;
    default: break;
  }
  if (!is_ip(socket)) return 0;
  switch (socket.protocol) {
    case model::kProtocolTcp: return kTcp;
    case model::kProtocolUdp:
    case model::kProtocolUdplite: return kUdp;
    case model::kProtocolRaw:
    case model::kProtocolIcmp:
    case model::kProtocolIcmp6: return kRaw;
    case model::kProtocolDccp: return kDccp;
    case model::kProtocolSctp: return kSctp;
    case model::kProtocolMptcp: return kMptcp;
    default: return 0;
  }
}

bool in_tables(const Selection& selection, const model::Socket& socket) {
  if (selection.tables != 0) return (selection.tables & table_of(socket)) != 0;
  // A family switch alone speaks of IP sockets.
  return is_ip(socket) || !(selection.ipv4 || selection.ipv6);
}

bool in_families(const Selection& selection, const model::Socket& socket) {
  if (!is_ip(socket) || (!selection.ipv4 && !selection.ipv6)) return true;
  return socket.family == model::kFamilyInet ? selection.ipv4 : selection.ipv6;
}

// What ss shows without -a and -l: everything that is connected or about to be, or was.
bool is_connected_state(const model::Socket& socket) {
  // In these families it has no other state to show.
  switch (socket.family) {
    case model::kFamilyPacket:
    case model::kFamilyNetlink:
    case model::kFamilyXdp:
    case model::kFamilyTipc: return true;
    default: break;
  }
  switch (socket.state) {
    case model::kStateListen:
    case model::kStateUnconn:
    case model::kStateBoundInactive:
    case model::kStateTimeWait:
    case model::kStateSynRecv:
    case model::kStateNewSynRecv: return false;
    default: return true;
  }
}

}  // namespace

std::uint32_t tables_of(std::string_view word) {
  static constexpr struct {
    std::string_view word;
    std::uint32_t tables;
  } kWords[] = {
      {"all", kInet | kUnix | kPacket | kNetlink | kVsock | kXdp | kTipc},
      {"inet", kInet},
      {"tcp", kTcp},
      {"udp", kUdp},
      {"raw", kRaw},
      {"dccp", kDccp},
      {"sctp", kSctp},
      {"mptcp", kMptcp},
      {"unix", kUnix},
      {"unix_stream", kUnixStream},
      {"u_str", kUnixStream},
      {"unix_dgram", kUnixDgram},
      {"u_dgr", kUnixDgram},
      {"unix_seqpacket", kUnixSeqpacket},
      {"u_seq", kUnixSeqpacket},
      {"packet", kPacket},
      {"packet_raw", kPacketRaw},
      {"p_raw", kPacketRaw},
      {"packet_dgram", kPacketDgram},
      {"p_dgr", kPacketDgram},
      {"netlink", kNetlink},
      {"vsock", kVsock},
      {"vsock_stream", kVsockStream},
      {"v_str", kVsockStream},
      {"vsock_dgram", kVsockDgram},
      {"v_dgr", kVsockDgram},
      {"xdp", kXdp},
      {"tipc", kTipc},
  };
  for (const auto& row : kWords)
    if (row.word == word) return row.tables;
  return 0;
}

bool is_listening(const model::Socket& socket) {
  // One whose state no table tells may listen.
  return socket.state == model::kStateListen || socket.state == model::kStateUnconn || socket.state == model::kStateUnknown;
}

bool selects(const Selection& selection, const model::Socket& socket) {
  if (!in_tables(selection, socket) || !in_families(selection, socket)) return false;
  if (selection.all || !selection.has_table_or_state()) return true;
  if (selection.bound_inactive && socket.state == model::kStateBoundInactive) return true;
  if (selection.listening) return is_listening(socket);
  if (selection.bound_inactive) return false;
  return is_connected_state(socket);
}

std::optional<std::vector<std::uint32_t>> select_namespaces(const model::Snapshot& snapshot,
                                                            const std::optional<std::string>& wanted) {
  std::vector<std::uint32_t> chosen;
  const auto inode = wanted ? base::parse_integer<std::uint64_t>(*wanted) : std::nullopt;
  for (std::uint32_t i = 0; i < snapshot.namespaces.size(); ++i) {
    const model::Namespace& netns = snapshot.namespaces[i];
    // Where there is no name, "unknown" is the word of the views for it.
    const std::string_view name = netns.name.empty() && netns.unknown ? "unknown" : std::string_view(netns.name);
    const bool matches = !wanted            ? netns.own
                         : *wanted == "all" ? true
                                            : (inode && netns.inode == *inode) || (!name.empty() && name == *wanted);
    if (matches) chosen.push_back(i);
  }
  if (chosen.empty()) return std::nullopt;
  return chosen;
}

}  // namespace ssnap::analyze
