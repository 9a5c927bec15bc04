// Times as text. All times are nanoseconds since the epoch of their clock; nothing here reads a clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ssnap::base {

constexpr std::int64_t kNsecPerSec = 1'000'000'000;

// Sums, differences and products of times that an archive claims: nullopt where 64 bits don't hold the result.
std::optional<std::int64_t> add_times(std::int64_t a, std::int64_t b);
std::optional<std::int64_t> subtract_times(std::int64_t a, std::int64_t b);
std::optional<std::int64_t> multiply_time(std::int64_t a, std::int64_t factor);

// "2026-11-21T19:42:07.123Z": RFC 3339 in UTC with `digits` (0, 3, 6 or 9) of the fraction, rounded down.
std::string rfc3339_utc(std::int64_t realtime_nsec, int digits);

}  // namespace ssnap::base
