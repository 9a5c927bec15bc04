#include "actors.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "expect.h"

namespace scene {

void Stage::ready() {
  const char word = '.';
  if (::write(ready_fd_, &word, 1) != 1) fail("report");
  leave();
}

void Stage::leave() {
  if (ready_fd_ >= 0) ::close(ready_fd_);
  ready_fd_ = -1;
}

void stay() {
  for (;;) ::pause();
}

void perform(const char* comm, const std::function<void(Stage&)>& body) {
  std::fprintf(stderr, "scene: %s\n", comm);  // the last one, where the scene hangs
  int ends[2];
  checked(::pipe(ends), "pipe");
  if (checked(::fork(), "fork") == 0) {
    ::close(ends[0]);
    // Out of the way of the sockets, so that their descriptors are the same on every kernel.
    constexpr int kFarFd = 100;
    Stage stage(checked(::dup2(ends[1], kFarFd), "dup2"));
    ::close(ends[1]);
    checked(::prctl(PR_SET_NAME, comm), "prctl");
    body(stage);
    stage.ready();
    stay();
  }
  ::close(ends[1]);
  char word = 0;
  if (::read(ends[0], &word, 1) != 1) {
    std::fprintf(stderr, "scene: %s failed\n", comm);
    std::_Exit(1);
  }
  ::close(ends[0]);
}

}  // namespace scene
