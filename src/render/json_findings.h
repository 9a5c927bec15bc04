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

// Of json.cc: which socket, what a consumer can find it again by; and its two ends.
void put_socket_id(Item& item, const model::Snapshot& snapshot, const model::Socket& socket);
void put_ends(Item& item, const model::Snapshot& snapshot, const model::Socket& socket);

}  // namespace ssnap::render
