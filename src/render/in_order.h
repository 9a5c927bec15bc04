// Work on many rows by two threads, with the results in the order of the rows: who prints can't tell that there were two.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/beside.h"

namespace ssnap::render {

// Rows that are worth a thread, and at most held as results: two times so many.
constexpr std::size_t kRowsAtOnce = 2048;

// Calls use(make(begin, end)) for one part of [0, count) after the other. `make` runs in two threads at once and may
// change nothing that they share; `use` runs in this one. Without a second thread this one does it all.
template <class Make, class Use>
void in_order(std::size_t count, const Make& make, const Use& use) {
  const auto part = [&](std::size_t begin) { return make(begin, std::min(count, begin + kRowsAtOnce)); };
  for (std::size_t begin = 0; begin < count; begin += 2 * kRowsAtOnce) {
    const std::size_t next = begin + kRowsAtOnce;
    if (next >= count) {
      use(part(begin));
      return;
    }
    auto other = base::beside([&part, next] { return part(next); });
    use(part(begin));
    use(other.get());
  }
}

}  // namespace ssnap::render
