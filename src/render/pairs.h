// Who talks to whom on this host: sockets that are tied to each other, two by two.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/snapshot.h"
#include "render/view.h"

namespace ssnap::render {

struct Pair {
  std::uint32_t a = 0, b = 0;  // indexes into Snapshot::sockets
  // What b is to a: the peer, the server of a datagram client, the listener in whose queue a waits. Nothing else.
  model::Tie tie{};
  model::Certainty certainty{};
  bool directed = false;  // a is the client's end
};

// Every pair of which `rows` has a socket, once, by a and then b. The client's end is a: of datagram clients and pending
// connections by the tie; of others the one that talks to a port on which its peer's namespace listens, and where that
// tells nothing the one with the higher port; of UNIX sockets the one without a name, if the other has one.
std::vector<Pair> find_pairs(const Rows& rows);

// One line for each pair, and for pairs that differ in nothing but the client's port or nameless end.
std::string render_pairs(const Rows& rows, const Style& style);

}  // namespace ssnap::render
