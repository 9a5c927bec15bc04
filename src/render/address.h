// What a socket is called: its protocol and its two ends, as text. Everything returned is escaped for a terminal.
#pragma once

#include <cstdint>
#include <string>

#include "model/snapshot.h"

namespace ssnap::render {

// "tcp", "unix stream", "netlink route".
std::string protocol_text(const model::Socket& socket);
// "eth0", or "if3" where it has no name in the socket's namespace.
std::string interface_word(const model::Snapshot& snapshot, const model::Socket& socket, std::uint32_t index);
// "[::1]:80", "/run/x", "@abstract", "route:4711, 3 groups", "all on eth0"; "" where that end has no name or is not known.
std::string local_text(const model::Snapshot& snapshot, const model::Socket& socket);
// The same without its port: "127.0.0.1:*".
std::string local_text_any_port(const model::Snapshot& snapshot, const model::Socket& socket);
std::string peer_text(const model::Snapshot& snapshot, const model::Socket& socket);
// " in blue" for a socket of a namespace that isn't the host's own; "".
std::string foreign_mark(const model::Snapshot& snapshot, const model::Socket& socket);
// Of a family whose addresses have a port: IP but for raw sockets, vsock.
bool has_port(const model::Socket& socket);

}  // namespace ssnap::render
