// What of a snapshot is missing that a rule needs.
#pragma once

#include <vector>

#include "analyze/findings.h"

namespace ssnap::analyze {

// Adds a sentence for each Need of the rule that the snapshot meets in part only, and one where the archive itself is cut.
void add_unchecked(const model::Snapshot& snapshot, const Rule& rule, std::vector<model::Unchecked>& unchecked);

}  // namespace ssnap::analyze
