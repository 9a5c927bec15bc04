// The same thing asked twice must agree (docs/findings.md, docs/adr/0022). What the checks come to are model::Findings, whose
// ids are in model/finding.h.
#pragma once

#include "model/finding.h"
#include "reconstruct/records.h"

namespace ssnap::reconstruct {

// All checks.
void check_views(const Records& records, const model::Snapshot& snapshot, model::Findings& found);

// Parts of it.
void check_processes(const Records& records, const model::Snapshot& snapshot, model::Findings& found);
void check_tables(const Records& records, const model::Snapshot& snapshot, model::Findings& found);

}  // namespace ssnap::reconstruct
