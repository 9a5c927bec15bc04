// Findings as JSON.
#pragma once

#include <string_view>

#include "model/finding.h"
#include "model/snapshot.h"
#include "render/json_item.h"

namespace ssnap::render {

void fill_finding(Item item, const model::Snapshot& snapshot, const model::Finding& finding);
// What was looked for by the name of `id`, what came of it, and where it could not look.
void fill_rule(Item item, const model::Findings& findings, std::string_view id);

}  // namespace ssnap::render
