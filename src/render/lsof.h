// --as lsof: what lsof 4.95 prints for `lsof -nP -i` and `-U` and the same evidence (as root, stdout no terminal).
#pragma once

#include <string>

#include "render/view.h"

namespace ssnap::render {

struct LsofOptions {
  bool tcp = false, udp = false;    // -t -u: -iTCP, -iUDP; none: -i
  bool ipv4 = false, ipv6 = false;  // -4 -6: -i4, -i6; none or both: both
  bool unix_sockets = false;        // -x: -U; without anything else UNIX sockets alone
  bool explain = false;             // where lsof's answer falls short of the evidence
  // FILTER: of each socket, by its index, whether it is asked for; null: every one is.
  const std::vector<bool>* selected = nullptr;
};

// By process, then fd. Reads Snapshot::proc_net_rows. "" where nothing is held, as with lsof.
// Adds the number of rows to `rows`, where it is given.
std::string render_lsof(const model::Snapshot& snapshot, std::uint32_t netns, const LsofOptions& options,
                        std::uint64_t* rows = nullptr);

}  // namespace ssnap::render
