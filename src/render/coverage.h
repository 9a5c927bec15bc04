// ssnap info's part on owners: whose the sockets of all namespaces are, and how far the processes could be read.
#pragma once

#include <string>

#include "model/snapshot.h"

namespace ssnap::render {

void append_coverage(std::string& out, const model::Snapshot& snapshot);

}  // namespace ssnap::render
