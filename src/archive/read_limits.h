// What the readers accept at most. An archive comes from a machine that may be hostile: nothing that it says may cost
// unbounded memory or time. Reaching a limit is a problem in the report, never silence.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ssnap::archive {

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;

// The whole compressed file is held in memory; the dumps of ten million sockets take less.
constexpr std::uint64_t kMaxInputBytes = 16 * kGiB;
// 128 MiB of history: what `zstd -d` accepts without being told, and more than our writer asks for at any level.
constexpr int kMaxWindowLog = 27;
// One member is held in memory; two million sockets at 516 bytes a record stay below.
constexpr std::uint64_t kMaxMemberBytes = kGiB;
// Six members a process: room for half a million processes. The names' digests are held: some 50 bytes each.
constexpr std::uint64_t kMaxMembers = 4'000'000;
// Linux's PATH_MAX.
constexpr std::size_t kMaxNameBytes = 4096;
// All names together, which readers keep: names of 128 bytes for each of kMaxMembers. The longest of a capture have 60.
constexpr std::uint64_t kMaxNamesBytes = 512 * kMiB;
// A pax header or GNU long name: one name and one link target, with room for the other records of other tools.
constexpr std::uint64_t kMaxPaxBytes = 64 * kKiB;
// zstd can turn 4 bytes into 128 KiB. Socket tables compress 8 to 40 times, memory pages of zeros (which a process may
// show as its command line) much more: small archives may expand freely to the allowance, large ones by the ratio.
constexpr std::uint64_t kMaxRatio = 1000;
constexpr std::uint64_t kOutputAllowanceBytes = 4 * kGiB;
// Whatever the ratio: more than a day's patience is no evidence.
constexpr std::uint64_t kMaxOutputBytes = 1024 * kGiB;
// Searching on behind damage reads bytes again. Real damage costs far below one more pass over the file; nested
// false frames would cost the square of its size.
constexpr std::uint64_t kMaxRereadPasses = 4;
// A directory tree: /proc/PID/task/TID/net/... is 7 deep.
constexpr int kMaxDirectoryDepth = 64;
// All files of a tree that are read: they may be sparse, and then cost nobody anything but the reader.
constexpr std::uint64_t kMaxDirectoryBytes = 64 * kGiB;
// Entries of one journal part. A part comes with each batch; this is one entry for each of kMaxMembers.
constexpr std::size_t kMaxJournalEntries = 4'000'000;
// A member name of 4096 bytes takes four times as many where each is escaped; the rest of an entry is short.
constexpr std::size_t kMaxJournalLineBytes = 64 * 1024;
// JSON: how deep (ours has 3), and how many members an object and all within it may have. Whoever chooses the keys of an
// object can make the look-up of each cost as much as there are keys.
constexpr std::size_t kMaxJsonDepth = 8;
constexpr std::size_t kMaxJournalLineFields = 64;   // ours has at most 15
constexpr std::size_t kMaxInfoFields = 16'384;      // capture.json: 12 a note of --case, and one an argument
constexpr std::size_t kMaxInfoBytes = 512 * 1024;   // capture.json, end.json: a command line and case notes

// The limits of one reading; tests and fuzzers lower them.
struct ReadLimits {
  std::uint64_t member_bytes = kMaxMemberBytes;
  std::uint64_t members = kMaxMembers;
  std::uint64_t names_bytes = kMaxNamesBytes;
  std::uint64_t ratio = kMaxRatio;
  std::uint64_t output_allowance_bytes = kOutputAllowanceBytes;
  std::uint64_t output_bytes = kMaxOutputBytes;
  std::uint64_t directory_bytes = kMaxDirectoryBytes;
};

}  // namespace ssnap::archive
