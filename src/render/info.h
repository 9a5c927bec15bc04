// ssnap info: what is in a snapshot, for people.
#pragma once

#include <string>

#include "model/snapshot.h"

namespace ssnap::render {

// Host, custody, times, namespaces, the account, sources, coverage, gaps and problems, as text.
std::string render_info(const model::Snapshot& snapshot);

}  // namespace ssnap::render
