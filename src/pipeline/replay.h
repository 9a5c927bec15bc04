// input -> Snapshot: the only place that joins the layers. Which member goes to which decoder is a table in
// member_table.cc; the passes of the reconstruction are listed in reconstruct/reconstruct.cc.
#pragma once

#include <string>

#include "archive/input.h"
#include "base/result.h"
#include "model/snapshot.h"
#include "pipeline/replay_limits.h"
#include "reconstruct/reconstruct.h"

namespace ssnap::pipeline {

// An archive or a directory. Opens nothing but what is below it. An Error where there is no snapshot: nothing can be read, or
// capture.json is not there.
base::Result<model::Snapshot> replay(const archive::Input& input, const reconstruct::Options& options);

// The same for an archive in memory.
base::Result<model::Snapshot> replay_bytes(std::string_view archive, const reconstruct::Options& options, const ReplayLimits& limits = {});

}  // namespace ssnap::pipeline
