// Which sockets an answer is about: tables, families, states and namespaces, as the letters of ss choose them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::analyze {

struct Selection {
  // -t -u -w -x; none of them: every table.
  bool tcp = false, udp = false, raw = false, unix_sockets = false;
  // -4 -6: with one of them, IP sockets of that family only. UNIX sockets need -x then.
  bool ipv4 = false, ipv6 = false;
  // -l and -a. -l: listening sockets only. -a: every state. Neither: with a table switch, what ss shows without a state
  // switch (connected sockets, and every UDP and raw one that has a peer); without one, every state.
  bool listening = false, all = false;
  bool has_table_or_state() const {
    return tcp || udp || raw || unix_sockets || ipv4 || ipv6 || listening || all;
  }
};

// Listening in the sense of -l: LISTEN, and unconnected datagram and raw sockets, which receive from anyone.
bool is_listening(const model::Socket& socket);

bool selects(const Selection& selection, const model::Socket& socket);

// Indexes into Snapshot::namespaces for --netns: "all", "unknown", an inode, a name; absent: the host's own. nullopt: none matches.
std::optional<std::vector<std::uint32_t>> select_namespaces(const model::Snapshot& snapshot,
                                                            const std::optional<std::string>& wanted);

}  // namespace ssnap::analyze
