// What is new, gone or changed between two snapshots.
#pragma once

#include <string>

#include "analyze/diff.h"
#include "render/view.h"

namespace ssnap::render {

// Two snapshots and their differences. `noise`: that is listed too.
struct DiffView {
  const analyze::Diff& diff;
  const model::Snapshot& before;
  const model::Snapshot& after;
  bool noise = false;

  const model::Snapshot& of(analyze::Side side) const { return side == analyze::kOld ? before : after; }
  bool shows(const analyze::DiffItem& item) const { return noise || item.noise == analyze::Noise::none; }
};

// What the rule of matching and noise is for this basis, in a sentence or two.
std::string basis_text(analyze::Basis basis);

std::string render_diff_table(const DiffView& view, const Style& style);
// Columns change, kind, netns, which, details, doubt, noise; a line a difference.
std::string render_diff_csv(const DiffView& view, bool header);
// Per docs/schema/diff.schema.json.
std::string render_diff_json(const DiffView& view);
// One object a line: diff, difference, noise, note.
std::string render_diff_ndjson(const DiffView& view);

}  // namespace ssnap::render
