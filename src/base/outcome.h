// How reading one source ended. Every source that was tried has one; what isn't `ok` is a gap of the same kind.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ssnap::base {

enum class OutcomeKind : std::uint8_t {
  ok,
  denied,       // EACCES, EPERM: the collector lacks a right
  vanished,     // ENOENT, ESRCH: gone between finding and reading it (a process that ended)
  cut,          // read in part: a size limit, or an error after the first bytes
  timeout,      // abandoned at its deadline
  unsupported,  // this kernel doesn't offer it
  not_loaded,   // the kernel module is not loaded and loading it was not allowed
  withheld,     // read, and kept back on purpose (secrets)
  skipped,      // not read by design: opening it would change something on the host
};

// The word in the journal and in JSON: "ok", "denied", ..., "not-loaded".
std::string_view outcome_name(OutcomeKind kind);
std::optional<OutcomeKind> outcome_from_name(std::string_view name);

// The kind that an errno of open or read means. 0 is `ok`; anything without a better kind is `cut`.
OutcomeKind outcome_of_errno(int errno_number);

// "EACCES" for the errnos that reading procfs and netlink gives, by Linux's numbers (asm-generic/errno*.h); "" for others.
std::string_view errno_name(int errno_number);

// True for the gaps after which a capture is incomplete (exit code 3): something was there and could not be had.
// A process that ended meanwhile, a table that the kernel doesn't have and what is left out by design are stated only.
bool makes_incomplete(OutcomeKind kind);

}  // namespace ssnap::base
