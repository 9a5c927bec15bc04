// Who descends from whom.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::render {

// The parent of each process, an index into Snapshot::processes; absent where the snapshot lacks it. Pids are used again:
// a parent started no later than its child. A forest, whatever the ppids say: a loop is cut at one of its processes.
std::vector<std::optional<std::uint32_t>> parents_of(const model::Snapshot& snapshot);

}  // namespace ssnap::render
