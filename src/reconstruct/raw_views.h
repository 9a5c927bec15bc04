// What the checks of one view against another need beyond the rows: listings as they came, counts, probes, and where raw
// bytes break the rules that the kernel's own code keeps. Only where asked for (Options::cross_view).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decode/process_views.h"

namespace ssnap::reconstruct {

// A directory entry that reaches over more than its name needs.
struct StretchedEntry {
  std::string name;     // bytes
  std::uint64_t offset = 0;
  std::uint16_t bytes = 0;
  std::string swallowed;  // the name of the entry that lies in what it reaches over; "" where none can be read there
};

// One getdents64 listing of /proc.
struct ProcListing {
  std::string member;
  int pass = 0;          // 0: the one of the probe
  bool mounted = false;  // of /proc as it is mounted, where the collector reads a procfs of its own
  bool whole = true;     // the journal says that it was read to its end
  std::vector<std::int64_t> pids;  // ascending
  std::uint64_t folders = 0;       // entries of type directory that are no process
  std::uint64_t fixed = 0;         // all entries that are no process, but self and thread-self
  std::vector<StretchedEntry> stretched;
};

// Bytes of a member that the kernel's code would not have written so.
struct StructureProblem {
  std::string member;
  std::uint64_t offset = 0;
  std::string message;
  std::uint64_t more = 0;  // further ones in that member, of which nothing is kept
};

// One look at a socket table of /proc/net and at its dump. Inodes ascend; what /proc/net would not have is not in `dumped`.
struct TableLook {
  std::optional<std::vector<std::uint32_t>> listed, dumped;  // absent: not read, or not to its end
  std::uint64_t rows = 0;                                     // of the listing that the kernel's counter counts
  std::optional<std::uint64_t> counter_before, counter_after;
  std::string listing, dump;                                  // members
};

// All looks at one table of one namespace.
struct TableLooks {
  TableLook first;                                  // dumped: in pass 1; the counter's one reading is counter_before
  std::optional<std::vector<std::uint32_t>> again;  // dumped in pass 2
  std::map<int, TableLook> rounds;                  // /proc/net first, then the dump (docs/adr/0022)
};

struct RawViews {
  std::vector<ProcListing> listings;
  std::vector<std::pair<int, decode::ProcessCounts>> counts;  // by pass
  std::optional<decode::ProcessProbe> probe;
  std::map<std::pair<std::uint64_t, std::string>, TableLooks> tables;  // by namespace and the name in /proc/net
  bool compared = false;    // the capture looked for differences itself, and again at those that it found
  bool all_again = false;   // none of those tables was too large for it
  std::vector<StructureProblem> structure;
  std::uint64_t tables_checked = 0;  // members whose structure was looked at
  // When members were read, CLOCK_BOOTTIME: those of source process_views.
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> times;
};

}  // namespace ssnap::reconstruct
