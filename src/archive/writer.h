// Writes an archive: a zstd-compressed POSIX tar in frames that each stand on their own. docs/format.md specifies it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "archive/capture_info.h"
#include "archive/compressed_member.h"
#include "archive/journal.h"
#include "archive/sink.h"
#include "base/result.h"

namespace ssnap::archive {

struct WriterOptions {
  int level = 1;                                     // zstd's
  std::int64_t mtime_sec = 0;                        // of every member: when the capture began
  std::function<std::int64_t()> realtime_offset_nsec;  // for the chain links; may be empty (0)
  std::uint64_t max_bytes = 0;                       // that the whole output may have, its end included; 0: any number
  std::string max_bytes_name;                        // what set them, for the Error: "--max-size"
};

// All calls come from one thread. What belongs together is written as a group, whole or not at all: a batch with the
// journal part about it, or a large member. Before each group there must be room for it and for the end of the archive
// (max_bytes, Sink::reserve). After an Error of the sink, or for want of room, nothing more is taken: every later call
// returns the same Error, what it was given counts as lost, and what had been written stays a valid archive, which
// finish() ends in order where it can. A name that readers would refuse (see name_fault in tar.h; a backslash, which
// sha256sum would escape) or more than 8 GiB are an Error with EINVAL about that member alone.
class Writer {
 public:
  Writer(Sink& sink, WriterOptions options);
  ~Writer();

  // Writes one member as a frame of its own, at once. README.txt first, then capture.json.
  base::Result<void> add_now(std::string_view name, std::string_view bytes);
  // A small member: joins the batch, which is written when it has grown past kBatchBytes.
  base::Result<void> add(std::string_view name, std::string_view bytes);
  // A large member: ends the batch, then writes its header and its frame, and syncs.
  base::Result<void> add(CompressedMember member);
  // Joins the journal part that will follow the current batch.
  void journal(const JournalEntry& entry);
  // Ends the batch: writes its frame and the journal part about it.
  base::Result<void> flush();
  // The last journal part, end.json (with `members` and `member_bytes` and `gaps` filled in), the manifest, the seal.
  // After an Error: cuts the output back to its last whole group, if the sink can, and ends it there with a status of
  // limit or error (one of interrupted stays) and an entry that counts what was lost. Returns what is in end.json; an
  // Error where the output has no end.
  base::Result<EndInfo> finish(EndInfo end);

  // What stopped the writer; absent as long as it takes members.
  const std::optional<base::Error>& failure() const;
  // The least max_bytes with which these two can be written and the archive ended; more than is needed by some KB.
  static std::uint64_t least_bytes(std::string_view readme, std::string_view capture_json);

  std::uint64_t compressed_bytes() const;          // that are in the output
  std::uint64_t members() const;                   // added so far
  std::uint64_t member_bytes() const;              // their uncompressed size
  std::string sha256_hex() const;                  // of what is in the output
  const std::map<std::string, std::uint64_t>& gaps() const;  // journal entries that are not ok, by outcome name

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ssnap::archive
