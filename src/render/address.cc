#include "render/address.h"

#include <algorithm>
#include <cstdio>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {

using model::Snapshot;
using model::Socket;

std::string protocol_text(const Socket& socket) {
  const auto protocol = protocol_word(socket.family, socket.protocol);
  return is_ip(socket) ? protocol : family_word(socket.family) + ' ' + protocol;
}

std::string interface_word(const Snapshot& snapshot, const Socket& socket, std::uint32_t index) {
  const auto name = interface_name(snapshot, socket.netns, index);
  return name.empty() ? "if" + std::to_string(index) : escape_terminal(name);
}

namespace {

std::string endpoint_text(const Snapshot& snapshot, const Socket& socket, const model::Endpoint& end,
                          bool local) {
  if (end.address.length == 0) return "";
  std::string out = end.address.to_string();
  if (end.address.is_v6()) out.insert(0, 1, '[').push_back(']');
  if (end.interface_index != 0) out += '%' + interface_word(snapshot, socket, end.interface_index);
  out += ':';
  if (is_raw(socket)) {
    const auto protocol = socket.details ? socket.details->raw_protocol : std::nullopt;
    if (!local || !protocol) return out + '*';
    const auto name = model::ip_protocol_name(*protocol);
    return out + (name.empty() ? "ipproto-" + std::to_string(*protocol) : std::string(name));
  }
  return out + (end.port == 0 ? std::string("*") : std::to_string(end.port));
}

std::string unix_name_text(const model::UnixName& name) {
  if (name.kind == model::UnixName::Kind::none) return "";
  std::string out = name.kind == model::UnixName::Kind::abstract_name ? "@" : "";
  return out += escape_terminal(name.bytes);
}

// VMADDR_CID_ANY, VMADDR_PORT_ANY.
constexpr std::uint32_t kVsockAny = 0xffffffff;

std::string vsock_text(const model::Endpoint& end) {
  if (!end.node) return "";
  const auto part = [](std::uint32_t value) { return value == kVsockAny ? "*" : std::to_string(value); };
  return part(*end.node) + ':' + part(end.port);
}

std::string tipc_text(const model::Endpoint& end) {
  return end.node ? std::to_string(*end.node) + ':' + std::to_string(end.port) : std::string();
}

// "all on eth0", "ip on any, promiscuous".
std::string packet_text(const Snapshot& snapshot, const Socket& socket) {
  const auto index = socket.local.interface_index;
  const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
  if (packet == nullptr && index == 0) return "";
  std::string out = "?";
  if (packet != nullptr) {
    const auto name = ethertype_name(packet->ethertype);
    char hex[16];
    std::snprintf(hex, sizeof hex, "0x%04x", static_cast<unsigned>(packet->ethertype));
    // Without an ethertype it receives nothing.
    out = packet->ethertype == 0 ? "none" : name.empty() ? std::string(hex) : std::string(name);
  }
  out += " on " + (index == 0 ? std::string("any") : interface_word(snapshot, socket, index));
  constexpr std::uint16_t kPromiscuous = 1;  // PACKET_MR_PROMISC
  const bool promiscuous =
      packet != nullptr &&
      std::any_of(packet->memberships.begin(), packet->memberships.end(),
                  [](const model::Membership& membership) { return membership.type == kPromiscuous; });
  return promiscuous ? out + ", promiscuous" : out;
}

std::string xdp_text(const Snapshot& snapshot, const Socket& socket) {
  if (socket.local.interface_index == 0) return "";
  std::string out = interface_word(snapshot, socket, socket.local.interface_index);
  const auto queue = socket.details && socket.details->xdp ? socket.details->xdp->queue_id : std::nullopt;
  return queue ? out + " queue " + std::to_string(*queue) : out;
}

// "route:4711, 3 groups", "route:kernel": a table has a socket only when it is bound, and port 0 is the kernel's.
std::string netlink_text(const Socket& socket) {
  if (!local_is_known(socket)) return "";
  std::string out = protocol_word(socket.family, socket.protocol) + ':';
  if (socket.local.port != 0)
    out += std::to_string(socket.local.port);
  else
    out += "kernel";
  const std::size_t groups = socket.details && socket.details->rare->groups ? socket.details->rare->groups->size() : 0;
  return groups == 0 ? out : out + ", " + count(groups, "group");
}

// "10.0.0.5:9000 (3 addresses)".
std::string ip_text(const Snapshot& snapshot, const Socket& socket, bool local) {
  const auto text = endpoint_text(snapshot, socket, local ? socket.local : socket.peer, local);
  if (!socket.details || text.empty()) return text;
  const auto& all = local ? socket.details->rare->further_locals : socket.details->rare->further_peers;
  return all.size() < 2 ? text : text + " (" + std::to_string(all.size()) + " addresses)";
}

}  // namespace

std::string local_text(const Snapshot& snapshot, const Socket& socket) {
  switch (socket.family) {
    case model::kFamilyUnix:
      return unix_name_text(socket.name);
    case model::kFamilyNetlink:
      return netlink_text(socket);
    case model::kFamilyPacket:
      return packet_text(snapshot, socket);
    case model::kFamilyXdp:
      return xdp_text(snapshot, socket);
    case model::kFamilyVsock:
      return vsock_text(socket.local);
    case model::kFamilyTipc:
      return tipc_text(socket.local);
    default:
      return ip_text(snapshot, socket, true);
  }
}

std::string local_text_any_port(const Snapshot& snapshot, const Socket& socket) {
  if (!has_port(socket)) return local_text(snapshot, socket);
  model::Endpoint end = socket.local;
  end.port = socket.family == model::kFamilyVsock ? kVsockAny : 0;
  return socket.family == model::kFamilyVsock ? vsock_text(end) : endpoint_text(snapshot, socket, end, true);
}

std::string peer_text(const Snapshot& snapshot, const Socket& socket) {
  switch (socket.family) {
    case model::kFamilyUnix: {
      std::string out = unix_name_text(socket.peer_name);
      if (!socket.peer_inode) return out;
      if (!out.empty()) out += ' ';
      return out + "inode " + std::to_string(*socket.peer_inode);
    }
    case model::kFamilyNetlink:
      if (!peer_is_known(socket)) return "";
      if (socket.peer.port != 0) return std::to_string(socket.peer.port);
      // Who was not connected sends to the kernel; the kernel's own sockets send to whoever asked.
      return socket.local.port == 0 ? "" : "kernel";
    case model::kFamilyVsock:
      return socket.peer.node == kVsockAny && socket.peer.port == kVsockAny ? "" : vsock_text(socket.peer);
    case model::kFamilyTipc:
      return tipc_text(socket.peer);
    default: {
      const bool none =
          socket.peer.port == 0 && (socket.peer.address.length == 0 || socket.peer.address.is_any());
      return none ? "" : ip_text(snapshot, socket, false);
    }
  }
}

std::string foreign_mark(const Snapshot& snapshot, const Socket& socket) {
  const bool own = socket.netns < snapshot.namespaces.size() && snapshot.namespaces[socket.netns].own;
  return own ? "" : " in " + namespace_word(snapshot, socket.netns);
}

bool has_port(const Socket& socket) {
  return (is_ip(socket) && !is_raw(socket)) || socket.family == model::kFamilyVsock;
}

}  // namespace ssnap::render
