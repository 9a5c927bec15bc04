#include "capture/clock.h"

#include <sys/timex.h>

#include <ctime>

#include "base/clock.h"

namespace ssnap::capture {
namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  if (clock_gettime(clock, &now) != 0) clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * base::kNsecPerSec + now.tv_nsec;
}

}  // namespace

std::uint64_t boottime_nsec() { return static_cast<std::uint64_t>(read_clock(CLOCK_BOOTTIME)); }
std::int64_t realtime_nsec() { return read_clock(CLOCK_REALTIME); }

archive::Clocks read_clocks() {
  archive::Clocks clocks;
  clocks.realtime_nsec = read_clock(CLOCK_REALTIME);
  clocks.boottime_nsec = read_clock(CLOCK_BOOTTIME);
  clocks.monotonic_nsec = read_clock(CLOCK_MONOTONIC);
  return clocks;
}

std::optional<archive::ClockSync> read_clock_sync() {
  timex clock{};  // modes 0: asks only
  const int state = ::adjtimex(&clock);
  if (state < 0) return std::nullopt;
  return archive::ClockSync{state, clock.status, clock.maxerror, clock.esterror, clock.tai};
}

std::int64_t realtime_offset_nsec() {
  const archive::Clocks clocks = read_clocks();
  return clocks.realtime_nsec - clocks.boottime_nsec;
}

}  // namespace ssnap::capture
