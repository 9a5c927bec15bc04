// The collector's clocks.
#pragma once

#include <cstdint>
#include <optional>

#include "archive/capture_info.h"

namespace ssnap::capture {

std::uint64_t boottime_nsec();        // CLOCK_BOOTTIME; CLOCK_MONOTONIC before 2.6.39
std::int64_t realtime_nsec();         // CLOCK_REALTIME
archive::Clocks read_clocks();
// Whether the kernel's clock is synchronized, and how well. Changes nothing. Absent where it may not be asked (errno).
std::optional<archive::ClockSync> read_clock_sync();
std::int64_t realtime_offset_nsec();  // CLOCK_REALTIME minus CLOCK_BOOTTIME, read together

}  // namespace ssnap::capture
