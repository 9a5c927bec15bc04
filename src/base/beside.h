// Work beside that of the thread that asks for it.
#pragma once

#include <future>
#include <system_error>

namespace ssnap::base {

// Runs `work` in a thread of its own; where no thread can be had, or it isn't worth one, in the one that asks for the result,
// when it does.
template <class Work>
auto beside(const Work& work, bool is_worth_a_thread = true) {
  if (is_worth_a_thread) {
    try {
      return std::async(std::launch::async, work);
    } catch (const std::system_error&) {
      // A limit of threads.
    }
  }
  return std::async(std::launch::deferred, work);
}

}  // namespace ssnap::base
