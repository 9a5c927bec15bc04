// What the readers hand to the writer: members and journal entries, in pieces that are moved between threads.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/compressed_member.h"
#include "archive/journal.h"
#include "capture/packer.h"
#include "capture/seen.h"

namespace ssnap::capture {

// A file up to this size travels as it is and joins a batch; a larger one is compressed while it is read.
constexpr std::size_t kSmallMemberBytes = 64 * 1024;

struct SmallMember {
  std::string name;
  std::string bytes;
};

struct Batch {
  std::vector<SmallMember> members;
  std::vector<archive::CompressedMember> large;
  std::vector<archive::JournalEntry> journal;
  Seen seen;
  std::size_t bytes = 0;       // held in memory
  std::size_t tasks_done = 0;  // that ended with this batch
  bool empty() const { return members.empty() && large.empty() && journal.empty() && seen.empty() && tasks_done == 0; }
};

// The receiving end of one reader thread. A reader that was given up (it hung in a read) keeps its Output, which then
// drops everything: what a read brings after its deadline is not kept, because its absence is on record already.
class Output {
 public:
  explicit Output(int level) : packer_(level) {}

  void member(std::string name, std::string bytes);
  void large(archive::CompressedMember member);
  void journal(archive::JournalEntry entry);
  void seen(Seen seen);
  // The sign of life that the deadline counts from. False: the capture is ending, or this reader was given up: hand on
  // what there is and return.
  bool beat();

  // What large members are given to; for the reader's thread alone.
  Packer& packer() { return packer_; }

 private:
  friend class ReaderPool;
  std::mutex mutex_;
  Batch batch_;
  bool abandoned_ = false;
  bool stopping_ = false;
  std::uint64_t last_beat_nsec_ = 0;  // CLOCK_BOOTTIME
  Packer packer_;
};

// Collects the bytes of one member, small or large, and hands it on.
class MemberBuffer {
 public:
  explicit MemberBuffer(Output& output, Content content = Content::text) : output_(output), content_(content) {}
  void append(std::string_view bytes);
  std::uint64_t size_bytes() const { return size_bytes_; }
  void finish(std::string name);

 private:
  Output& output_;
  const Content content_;
  std::string held_;  // the whole of a small member, the last piece of a large one
  std::shared_ptr<Packer::Member> large_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace ssnap::capture
