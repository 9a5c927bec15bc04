// The journal: what was read when, and how each read ended. One JSON object a line; docs/format.md has the fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/read_limits.h"
#include "base/outcome.h"
#include "base/problem.h"

namespace ssnap::archive {

// One line of the journal, type "read". Absent fields are left out of the line.
struct JournalEntry {
  std::string source;  // which row of docs/sources.md: "proc_net", "inet_diag", "proc_pid", "proc_pid_fd", ...
  std::string member;  // the member that holds the bytes; "" where none came of it
  base::OutcomeKind outcome = base::OutcomeKind::ok;
  int errno_number = 0;              // 0: none
  std::uint64_t begin_nsec = 0;      // CLOCK_BOOTTIME
  std::uint64_t end_nsec = 0;        // CLOCK_BOOTTIME
  std::optional<std::uint64_t> netns;  // inode of the network namespace
  std::optional<int> pass;
  std::optional<std::int64_t> pid;
  std::optional<std::int64_t> tid;
  std::optional<std::uint64_t> bytes;  // uncompressed size of the member
  std::optional<std::uint64_t> count;  // how many things the entry is about (fds, datagrams, links that could not be read)
  std::optional<std::uint64_t> offset;  // in the member: where `bytes` bytes were withheld
  std::string detail;                   // free text: what was asked, why it was skipped
};

// The first line of a journal part, type "chain": it seals the compressed bytes written since the previous part began.
struct ChainLink {
  std::uint32_t part = 0;               // 0, 1, 2, ...
  std::uint64_t frames_begin = 0;       // offset in the compressed file
  std::uint64_t frames_end = 0;         // where this part's own frame begins
  std::string frames_sha256;            // of the compressed bytes [frames_begin, frames_end)
  std::string previous_part_sha256;     // of the content of part-1; "" in part 0
  std::int64_t realtime_offset_nsec = 0;  // CLOCK_REALTIME minus CLOCK_BOOTTIME when the part was written
};

// One line, with its newline.
std::string to_json_line(const JournalEntry& entry);
std::string to_json_line(const ChainLink& link);

struct JournalPart {
  std::optional<ChainLink> link;
  std::vector<JournalEntry> entries;
  base::Problems problems;  // lines that could not be read, by offset; lines of an unknown type are passed over
};
JournalPart parse_journal(std::string_view bytes, std::size_t max_entries = kMaxJournalEntries);

}  // namespace ssnap::archive
