// capture.json: who captures what, and when.
#pragma once

#include <vector>

#include "archive/capture_info.h"
#include "archive/journal.h"
#include "capture/host.h"

namespace ssnap::capture {

// Fills in collector, host and clocks, and the SHA-256 of the collector's own executable. What can't be found out stays
// absent; why, is in the entries (source `collector`), of which the last is about the whole.
std::vector<archive::JournalEntry> collect_host_facts(const Host& host, archive::CaptureInfo& info);

}  // namespace ssnap::capture
