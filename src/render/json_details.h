// The `details` of a socket in JSON: what only some views tell.
#pragma once

#include "model/snapshot.h"
#include "render/json_item.h"

namespace ssnap::render {

// `socket.details` must not be null.
void fill_details(Item item, const model::Snapshot& snapshot, const model::Socket& socket);

}  // namespace ssnap::render
