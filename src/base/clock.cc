#include "base/clock.h"

#include <chrono>
#include <cstdio>

namespace ssnap::base {

std::optional<std::int64_t> add_times(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

std::optional<std::int64_t> subtract_times(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) return std::nullopt;
  return difference;
}

std::optional<std::int64_t> multiply_time(std::int64_t a, std::int64_t factor) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, factor, &product)) return std::nullopt;
  return product;
}

std::string rfc3339_utc(std::int64_t realtime_nsec, int digits) {
  using namespace std::chrono;
  const sys_time<nanoseconds> time{nanoseconds{realtime_nsec}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  std::string out = text;
  if (digits > 0) {
    std::snprintf(text, sizeof text, ".%09lld", static_cast<long long>(clock.subseconds().count()));
    out.append(text, static_cast<std::size_t>(digits < 9 ? digits : 9) + 1);
  }
  return out + 'Z';
}

}  // namespace ssnap::base
