// What stands out, for people and as CSV.
#pragma once

#include <string>

#include "model/finding.h"
#include "render/view.h"

namespace ssnap::render {

// The findings under their severities, each with its sentence and details; then which rules found nothing, and which could
// not look everywhere. `all`: with every socket, process and place in the archive (--format wide).
std::string render_findings(const Rows& rows, const model::Findings& findings, const Style& style, bool all);

// A line for each finding: id, severity, level, sentence; inodes, pids and places
// (MEMBER+OFFSET), joined by ';'.
std::string render_findings_csv(const Rows& rows, const model::Findings& findings, bool header);

// The rules that there are, a line each: id, severity, what it looks for.
std::string render_rules();

}  // namespace ssnap::render
