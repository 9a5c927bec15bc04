// Where text goes that may be too much to be held at once.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ssnap::render {

// Takes the next piece of the text.
using Sink = std::function<void(std::string_view)>;

// All that `write(sink)` writes.
template <class Write>
std::string collect(const Write& write) {
  std::string all;
  write([&](std::string_view piece) { all += piece; });
  return all;
}

}  // namespace ssnap::render
