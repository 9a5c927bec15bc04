// The signals that end a capture in order.
#pragma once

#include <atomic>

namespace ssnap::cli {

// SIGINT, SIGTERM, SIGHUP, SIGPIPE and SIGXCPU: the first is kept as a number, for which the capture looks; any second
// one ends the process at once, as if it had never been caught. What was ignored when the process began stays ignored
// (nohup). A SIGPIPE counts only if it was sent: one from a write of the process's own is an EPIPE of that write. Nor
// does the SIGXCPU with which the kernel repeats itself every second count as a second signal. SIGXFSZ becomes the EFBIG
// of a write.
const std::atomic<int>& catch_stop_signals();

}  // namespace ssnap::cli
