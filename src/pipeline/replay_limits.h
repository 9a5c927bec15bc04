// What a replay takes from one input at most: an archive may hold more than the machine that reads it has memory for.
// What a limit leaves out is counted, and said among the problems.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ssnap::pipeline {

// The members that are decoded, together: the dumps of ten million sockets in two passes and /proc/net beside them. Decoded
// and merged they take up to some 15 times as much memory.
constexpr std::uint64_t kMaxReplayBytes = std::uint64_t{16} << 30;
// Of a small archive less: socket tables compress 8 to 40 times, and what expands far beyond is made to.
constexpr std::uint64_t kMaxReplayRatio = 200;
constexpr std::uint64_t kReplayAllowanceBytes = std::uint64_t{256} << 20;
// What a member counts for beside its bytes: a process is kept for a file of one byte.
constexpr std::uint64_t kMemberCostBytes = 1024;
// Of all members; each has at most base::Problems::kMaxProblemsKept of its own.
constexpr std::size_t kMaxProblems = 100'000;
// Entries of the journal that aren't ok: some for each of the processes that a host can have (PID_MAX_LIMIT is 4 million).
constexpr std::size_t kMaxGaps = 8'000'000;

// The limits of one replay; tests lower them.
struct ReplayLimits {
  std::uint64_t bytes = kMaxReplayBytes;
  std::uint64_t ratio = kMaxReplayRatio;
  std::uint64_t allowance_bytes = kReplayAllowanceBytes;
  std::size_t problems = kMaxProblems;
  std::size_t gaps = kMaxGaps;
};

}  // namespace ssnap::pipeline
