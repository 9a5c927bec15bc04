// Parts of what render_json() writes, for other views.
#pragma once

#include "model/snapshot.h"
#include "render/json_item.h"

namespace ssnap::render {

void fill_host(Item item, const model::Host& host);
void fill_capture(Item item, const model::Capture& capture);
void fill_namespace(Item item, const model::Namespace& netns);
void fill_socket(Item item, const model::Snapshot& snapshot, const model::Socket& socket);
// Which socket: what a consumer can find it again by.
void put_socket_id(Item& item, const model::Snapshot& snapshot, const model::Socket& socket);
// Its two ends.
void put_ends(Item& item, const model::Snapshot& snapshot, const model::Socket& socket);

}  // namespace ssnap::render
