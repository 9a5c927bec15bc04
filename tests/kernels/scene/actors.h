// Processes that hold sockets and then stay as they are until the machine ends.
#pragma once

#include <functional>

namespace scene {

// An actor's way to say that its sockets are there.
class Stage {
 public:
  explicit Stage(int ready_fd) : ready_fd_(ready_fd) {}
  void ready();  // once
  // In a child of an actor, which has nothing to say.
  void leave();
 private:
  int ready_fd_;
};

// Starts a process with this comm, and returns when it is ready: when `body` has returned, or has called ready() itself
// because it never returns. Ends the scene if the process ends before.
void perform(const char* comm, const std::function<void(Stage&)>& body);

[[noreturn]] void stay();

}  // namespace scene
