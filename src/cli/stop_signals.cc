#include "cli/stop_signals.h"

#include <unistd.h>

#include <csignal>

namespace ssnap::cli {
namespace {

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "set by a signal handler");

// Only what a handler may do (signal-safety(7)).
void on_signal(int number, siginfo_t* info, void*) {
  // The kernel sends it in the name of the process that wrote (SEND_SIG_NOINFO, kernel/signal.c).
  if (number == SIGPIPE && info->si_code == SI_USER && info->si_pid == ::getpid()) return;
  int none = 0;
  if (stop_signal.compare_exchange_strong(none, number)) return;
  if (number == SIGXCPU && info->si_code == SI_KERNEL) return;
  ::signal(number, SIG_DFL);
  ::raise(number);  // takes effect when the handler returns
}

}  // namespace

const std::atomic<int>& catch_stop_signals() {
  struct sigaction action {}, before {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU})
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
  ::signal(SIGXFSZ, SIG_IGN);
  return stop_signal;
}

}  // namespace ssnap::cli
