#include "reconstruct/listeners.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// Protocols whose connections wait in the queue of a listener that shares their address.
bool has_queue(const Socket& socket) {
  return is_tcp(socket) || (socket.protocol == model::kProtocolMptcp && socket.local.address.length != 0);
}

void append(std::string& key, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) key += static_cast<char>(value >> (8 * i));
}

std::string address_key(const Socket& socket, std::uint16_t family, const base::IpAddress& address,
                        std::uint32_t interface_index) {
  std::string key;
  key.reserve(36);
  append(key, socket.netns, 4);
  append(key, socket.protocol, 2);
  append(key, socket.local.port, 4);
  append(key, interface_index, 4);
  append(key, family, 2);
  key.append(address.bytes.begin(), address.bytes.begin() + address.length);
  return key;
}

std::string name_key(const Socket& socket) {
  std::string key;
  append(key, socket.netns, 4);
  append(key, socket.protocol, 2);
  append(key, static_cast<std::uint8_t>(socket.name->kind), 1);
  return key + socket.name->bytes;
}

base::IpAddress any_address(std::uint8_t length) {
  base::IpAddress address;
  address.length = length;
  return address;
}

}  // namespace

bool is_tcp(const Socket& socket) { return socket.protocol == model::kProtocolTcp && socket.local.address.length != 0; }

bool may_wait_to_be_accepted(const Socket& socket) {
  if (socket.inode) return false;
  if (socket.family == model::kFamilyUnix) return true;
  return has_queue(socket) && (socket.state == model::kStateEstab || socket.state == model::kStateCloseWait);
}

Listeners::Listeners(const model::Snapshot& snapshot) : snapshot_(snapshot) {
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.state != model::kStateListen) continue;
    if (has_queue(socket)) {
      const auto key = address_key(socket, socket.family, socket.local.address.unmapped(), socket.local.interface_index);
      by_address_[key].push_back(i);
    }
    if (socket.family != model::kFamilyUnix) continue;
    if (socket.name->kind != model::UnixName::Kind::none) by_name_[name_key(socket)].push_back(i);
    if (!socket.details) continue;
    for (const std::uint32_t inode : socket.details->rare->pending_inodes) {
      auto& listeners = by_pending_[inode];
      if (listeners.empty() || listeners.back() != i) listeners.push_back(i);
    }
  }
}

std::span<const std::uint32_t> Listeners::find_all(const Socket& socket) const {
  const auto look_up = [](const auto& map, const auto& key) -> std::span<const std::uint32_t> {
    const auto at = map.find(key);
    return at == map.end() ? std::span<const std::uint32_t>{} : std::span<const std::uint32_t>(at->second);
  };
  if (socket.family == model::kFamilyUnix) {
    if (socket.peer_inode) {
      const auto exact = look_up(by_pending_, *socket.peer_inode);
      if (!exact.empty()) return exact;
    }
    if (socket.name->kind == model::UnixName::Kind::none) return {};
    return look_up(by_name_, name_key(socket));
  }
  if (!has_queue(socket)) return {};
  const base::IpAddress wanted = socket.local.address.unmapped();
  const std::uint16_t other = socket.family == model::kFamilyInet ? model::kFamilyInet6 : model::kFamilyInet;
  const std::uint32_t device = socket.local.interface_index;
  for (const base::IpAddress& bound : {wanted, any_address(wanted.length), any_address(16)}) {
    // A listener on :: serves IPv4 too, unless it was told not to. A connection has the family of its listener, though
    // a request may be listed among the IPv4 ones.
    const bool is_dual = bound.length != wanted.length;
    for (const std::uint16_t family : {socket.family, other}) {
      for (const std::uint32_t interface_index : {device, 0u}) {
        const auto found = look_up(by_address_, address_key(socket, family, bound, interface_index));
        if (found.empty()) continue;
        const Socket& first = snapshot_.sockets[found.front()];
        if (is_dual && first.details && first.details->v6only.value_or(false)) continue;
        return found;
      }
    }
  }
  return {};
}

const Socket* Listeners::find(const Socket& socket) const {
  const auto found = find_all(socket);
  return found.empty() ? nullptr : &snapshot_.sockets[found.front()];
}

}  // namespace ssnap::reconstruct
