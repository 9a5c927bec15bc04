#include "reconstruct/listeners.h"

namespace ssnap::reconstruct {
namespace {

using model::Socket;

// True if a connection to `socket`'s local address would be accepted by `listener`.
bool accepts(const Socket& listener, const Socket& socket) {
  if (listener.local.port != socket.local.port) return false;
  const base::IpAddress wanted = socket.local.address.unmapped();
  const base::IpAddress bound = listener.local.address.unmapped();
  if (bound == wanted) return true;
  if (!bound.is_any()) return false;
  if (bound.length == wanted.length) return true;
  // A listener on :: serves IPv4 too, unless it was told not to.
  return bound.is_v6() && !(listener.details && listener.details->v6only.value_or(false));
}

std::uint64_t port_key(std::uint32_t netns, std::uint32_t port) { return static_cast<std::uint64_t>(netns) << 32 | port; }

}  // namespace

bool is_tcp(const Socket& socket) { return socket.protocol == model::kProtocolTcp && socket.local.address.length != 0; }

Listeners::Listeners(const model::Snapshot& snapshot) : snapshot_(snapshot) {
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (socket.state != model::kStateListen) continue;
    if (is_tcp(socket)) by_port_.emplace(port_key(socket.netns, socket.local.port), i);
    if (socket.family == model::kFamilyUnix && socket.name.kind != model::UnixName::Kind::none)
      by_name_.emplace(std::pair{socket.netns, socket.name.bytes}, i);
  }
}

const Socket* Listeners::find(const Socket& socket) const {
  const Socket* best = nullptr;
  if (is_tcp(socket)) {
    const auto [begin, end] = by_port_.equal_range(port_key(socket.netns, socket.local.port));
    for (auto at = begin; at != end; ++at) {
      const Socket& listener = snapshot_.sockets[at->second];
      if (!accepts(listener, socket)) continue;
      if (!best || (best->local.address.is_any() && !listener.local.address.is_any())) best = &listener;
    }
  } else if (socket.family == model::kFamilyUnix) {
    const auto [begin, end] = by_name_.equal_range(std::pair{socket.netns, socket.name.bytes});
    for (auto at = begin; at != end; ++at) {
      const Socket& listener = snapshot_.sockets[at->second];
      if (listener.name.kind == socket.name.kind && listener.protocol == socket.protocol) best = &listener;
    }
  }
  return best;
}

}  // namespace ssnap::reconstruct
