#include "base/clock.h"

#include <chrono>

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

namespace {

// The last `digits` decimal digits of a number, and what stands before them.
void append_digits(std::string& out, std::string_view before, std::uint32_t number, int digits) {
  char text[10];
  for (int i = digits; i > 0; number /= 10) text[--i] = static_cast<char>('0' + number % 10);
  out += before;
  out.append(text, static_cast<std::size_t>(digits));
}

}  // namespace

std::string rfc3339_utc(std::int64_t realtime_nsec, int digits) {
  using namespace std::chrono;
  // By division, as the first instants of the range have a midnight before them that 64 bits can't hold.
  constexpr std::int64_t kNsecPerDay = 86'400 * kNsecPerSec;
  std::int64_t number = realtime_nsec / kNsecPerDay, rest = realtime_nsec % kNsecPerDay;
  if (rest < 0) rest += kNsecPerDay, --number;
  const year_month_day date{sys_days{days{number}}};
  const hh_mm_ss clock{nanoseconds{rest}};
  std::string out;
  out.reserve(sizeof "1970-01-01T00:00:00.000000000Z");
  // 64 bits of nanoseconds reach from 1677 to 2262.
  append_digits(out, "", static_cast<std::uint32_t>(static_cast<int>(date.year())), 4);
  append_digits(out, "-", static_cast<unsigned>(date.month()), 2);
  append_digits(out, "-", static_cast<unsigned>(date.day()), 2);
  append_digits(out, "T", static_cast<std::uint32_t>(clock.hours().count()), 2);
  append_digits(out, ":", static_cast<std::uint32_t>(clock.minutes().count()), 2);
  append_digits(out, ":", static_cast<std::uint32_t>(clock.seconds().count()), 2);
  if (digits > 0) {
    append_digits(out, ".", static_cast<std::uint32_t>(clock.subseconds().count()), 9);
    if (digits < 9) out.resize(out.size() - static_cast<std::size_t>(9 - digits));
  }
  return out += 'Z';
}

}  // namespace ssnap::base
