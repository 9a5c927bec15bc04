// The members, or the bytes of members, that are read for the sake of checking one view against another.
#pragma once

#include <string_view>

#include "pipeline/member_table.h"

namespace ssnap::pipeline {

// True for members that nothing else reads.
bool is_raw_view(std::string_view name);

// Beside the member table: for Replay::cross_view only.
void add_raw_view(Replay& replay, std::string_view name, const archive::Member& member);

}  // namespace ssnap::pipeline
