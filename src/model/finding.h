// Something about a snapshot that an analyst should look at, and what it rests on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ssnap::model {

// How soon to look at it. Not how sure it is: every finding states facts, and docs/findings.md says what is innocent about them.
enum class Severity : std::uint8_t {
  info,    // part of the picture: what listens, who reads packets
  low,     // worth a look: health, unusual ways to hold a socket
  medium,  // seldom innocent
  high,    // look at this first
};
std::string_view severity_name(Severity severity);  // "info", "low", "medium", "high"

// What a comparison of two views came to. Findings of one view alone are all of level `finding`.
enum class FindingLevel : std::uint8_t {
  difference,  // two views disagree; not confirmed, or not all views were complete
  explained,   // they disagree, and `explanation` says by which mechanism
  finding,     // unexplained after all confirmations, with the views involved complete
};
std::string_view finding_level_name(FindingLevel level);  // "difference", "explained", "finding"

// A place of the archive that a finding rests on.
struct Evidence {
  std::string member;                   // its name in the archive
  std::optional<std::uint64_t> offset;  // bytes from its start; absent: the member as a whole, or a row of it that `part` names
  std::string part;                     // what to look at there: "exe", "0", "inet_diag"; "" where the offset is enough
  std::optional<std::uint64_t> begin_nsec, end_nsec;  // CLOCK_BOOTTIME: when it was read; absent where nothing depends on it
};

// Everything textual in it may hold the kernel's bytes: escape it for the sink.
struct Finding {
  std::string_view id;  // of the table of rules or checks: static storage
  Severity severity{};
  FindingLevel level = FindingLevel::finding;
  std::string sentence;
  std::string explanation;              // of level `explained`: the mechanism; "" else
  std::vector<std::string> details;     // further lines: a filter's disassembly, the rows of both views
  std::vector<std::uint32_t> sockets;   // indexes into Snapshot::sockets, ascending
  std::vector<std::uint32_t> processes; // indexes into Snapshot::processes, ascending
  std::vector<Evidence> evidence;
};

// A check that could not be made, or not on all that it is about: why nothing found does not mean that nothing is there.
struct Unchecked {
  std::string_view id;  // as Finding::id
  std::string reason;   // a sentence; may hold the kernel's bytes
};

// Ids of the checks of one view against another.
constexpr std::string_view kCheckHidden = "hidden-process";       // shown by one view of the processes, not by another
constexpr std::string_view kCheckMountOver = "mount-over-process";
constexpr std::string_view kCheckParent = "unlisted-parent";
constexpr std::string_view kCheckCount = "process-count";         // the kernel's count against the listing
constexpr std::string_view kCheckThreads = "thread-count";
constexpr std::string_view kCheckListing = "listing-structure";   // directory entries as the kernel never makes them
constexpr std::string_view kCheckTable = "table-structure";       // the same of socket tables
constexpr std::string_view kCheckViews = "table-difference";      // /proc/net against sock_diag
constexpr std::string_view kCheckCounter = "socket-count";        // /proc/net against the kernel's counters
constexpr std::string_view kCheckHeld = "unlisted-socket";        // in an fd table and in no other

// What a set of rules or checks came to.
struct Findings {
  std::vector<std::string_view> checked;  // the ids that were asked for, in the order of their table
  std::vector<Finding> findings;          // the worst first, then in the order of the table
  std::vector<Unchecked> unchecked;       // in the order of the table
};

}  // namespace ssnap::model
