// Processes and owners as JSON.
#pragma once

#include "model/snapshot.h"
#include "render/json_item.h"

namespace ssnap::render {

void put_user(Item& item, const model::Snapshot& snapshot, const std::optional<std::uint32_t>& uid);
void put_process_id(Item& item, const model::Process& process);
// `parents` as parents_of() gives them.
void fill_process(Item item, const model::Snapshot& snapshot, std::uint32_t index,
                  const std::vector<std::optional<std::uint32_t>>& parents);
void fill_owner(Item item, const model::Snapshot& snapshot, const model::Owner& owner);
void fill_reason(Item item, const model::Snapshot& snapshot, const model::OwnerlessReason& reason);

}  // namespace ssnap::render
