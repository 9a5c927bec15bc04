// Known sockets of every family that the running kernel offers, in every state that holds still, held in every way that a
// socket can be held: as root, in a machine of its own (script/kernels).
//
//     kernel-scene EXPECTED      writes EXPECTED (expect.h), then "ready" to standard output, and stays
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>

#include "actors.h"
#include "expect.h"
#include "scenes.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: kernel-scene EXPECTED\n", stderr);
    return 2;
  }
  scene::open_expectations(argv[1]);
  scene::checked(::prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
  scene::perform_sockets();
  scene::perform_owners();
  scene::perform_families();
  scene::perform_tcp_states();  // last: some of them last for two minutes
  std::puts("ready");
  std::fflush(stdout);
  scene::stay();
}
