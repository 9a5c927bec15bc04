// The collector's clocks.
#pragma once

#include <cstdint>

#include "archive/capture_info.h"

namespace ssnap::capture {

std::uint64_t boottime_nsec();        // CLOCK_BOOTTIME; CLOCK_MONOTONIC before 2.6.39
std::int64_t realtime_nsec();         // CLOCK_REALTIME
archive::Clocks read_clocks();
std::int64_t realtime_offset_nsec();  // CLOCK_REALTIME minus CLOCK_BOOTTIME, read together

}  // namespace ssnap::capture
