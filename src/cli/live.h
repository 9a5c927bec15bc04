// analyze --live: this host, captured into memory and replayed at once, the latter confined as for any archive.
#pragma once

#include <string>
#include <vector>

#include "model/snapshot.h"
#include "reconstruct/reconstruct.h"

namespace ssnap::cli {

// `arguments`: of the command, for capture.json. Throws base::Failure where nothing usable could be captured.
model::Snapshot capture_live(const std::vector<std::string>& arguments, const reconstruct::Options& options);

}  // namespace ssnap::cli
