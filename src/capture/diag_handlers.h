// Which sock_diag handlers the running kernel has, found out without causing one to be loaded: a dump request for a
// missing handler makes the kernel run modprobe on the examined host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "archive/journal.h"
#include "capture/host.h"

namespace ssnap::capture {

enum class Presence : std::uint8_t { present, absent, unknown };

// A handler by a kernel function that it can't do without, and the module that brings it.
struct DiagHandler {
  std::string_view symbol;  // in /proc/kallsyms, up to a suffix like ".isra.0"
  std::string_view module;  // in /proc/modules and modules.builtin
};

// Looks in /proc/kallsyms (built in and loaded alike; the names are readable without privilege), and where there is
// none in /proc/modules and modules.builtin, which can show presence but not absence. One result per handler, in order;
// what was looked at is journalled in `entry`.
std::vector<Presence> find_diag_handlers(const Host& host, const std::vector<DiagHandler>& handlers,
                                         std::string_view kernel_release, archive::JournalEntry& entry);

}  // namespace ssnap::capture
