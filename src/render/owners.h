// Who holds a socket, for people: few lines however many processes there are.
#pragma once

#include <string>
#include <vector>

#include "model/snapshot.h"
#include "render/layout.h"

namespace ssnap::render {

// As many owners as this that differ in nothing but the pid are one line.
constexpr std::size_t kMinAlike = 3;

// The reason where no owner is certain; then who made the socket, and the others by pid, each after "└ ". `extended` adds
// as whom they run where that is not the socket's user, their container and unit, and what their origin is concluded from.
std::vector<CellLine> owner_lines(const model::Snapshot& snapshot, const model::Socket& socket, bool extended);
// "time-wait (closed: ...)".
std::string reason_text(const model::OwnerlessReason& reason);
// ", docker 0123456789ab, pod ..., unit nginx.service"; "" where its cgroup tells none.
std::string home_text(const model::Process& process);
// The processes at the other end: "postgres[412]", "nginx[100] and 3 more"; "" where there are none. Not the listener in
// whose queue a connection waits: that is this end, but for UNIX sockets, whose other end it is.
std::string peer_processes_text(const model::Snapshot& snapshot, const model::Socket& socket);

}  // namespace ssnap::render
