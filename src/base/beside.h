// Work beside that of the thread that asks for it.
#pragma once

#include <future>
#include <system_error>

namespace ssnap::base {

// Runs `work` in a thread of its own; where no thread can be had, in the one that asks for the result, when it does.
template <class Work>
auto beside(const Work& work) {
  try {
    return std::async(std::launch::async, work);
  } catch (const std::system_error&) {
    return std::async(std::launch::deferred, work);
  }
}

}  // namespace ssnap::base
