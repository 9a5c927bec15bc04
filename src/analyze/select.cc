#include "analyze/select.h"

#include <string_view>

#include "base/text_cursor.h"

namespace ssnap::analyze {
namespace {

bool is_ip(const model::Socket& socket) {
  return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6;
}

bool in_tables(const Selection& selection, const model::Socket& socket) {
  if (!selection.tcp && !selection.udp && !selection.raw && !selection.unix_sockets) {
    // A family switch alone speaks of IP sockets.
    return is_ip(socket) || !(selection.ipv4 || selection.ipv6);
  }
  if (socket.family == model::kFamilyUnix) return selection.unix_sockets;
  if (!is_ip(socket)) return false;
  switch (socket.protocol) {
    case model::kProtocolTcp: return selection.tcp;
    case model::kProtocolUdp:
    case model::kProtocolUdplite: return selection.udp;
    case model::kProtocolRaw:
    case model::kProtocolIcmp:
    case model::kProtocolIcmp6: return selection.raw;
    default: return false;
  }
}

bool in_families(const Selection& selection, const model::Socket& socket) {
  if (!is_ip(socket) || (!selection.ipv4 && !selection.ipv6)) return true;
  return socket.family == model::kFamilyInet ? selection.ipv4 : selection.ipv6;
}

// What ss shows without -a and -l: everything that is connected or about to be, or was.
bool is_connected_state(const model::Socket& socket) {
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

bool is_listening(const model::Socket& socket) {
  return socket.state == model::kStateListen || socket.state == model::kStateUnconn;
}

bool selects(const Selection& selection, const model::Socket& socket) {
  if (!in_tables(selection, socket) || !in_families(selection, socket)) return false;
  if (selection.all || !selection.has_table_or_state()) return true;
  if (selection.listening) return is_listening(socket);
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
