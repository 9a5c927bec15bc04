// Compresses and hashes the large members of one reader, in a thread beside it: a dump is drained without pause.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/compressed_member.h"

namespace ssnap::capture {

// How much of a member is handed over at a time.
constexpr std::size_t kPieceBytes = 128 * 1024;

// What a member is made of. zstd's level 3 packs the records of a dump a tenth smaller than level 1, in the same time; text it
// packs larger, and slower.
enum class Content : std::uint8_t { text, records };
constexpr int kRecordsLevel = 3;  // at least

// For one thread, which is never the packer's own. Several members may be under way; one that is never finished is dropped.
class Packer {
 public:
  explicit Packer(int level) : level_(level) {}
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  // One member; shared with the thread.
  struct Member;
  std::shared_ptr<Member> begin(Content content = Content::text);
  // Takes what `piece` holds and leaves it empty, with room for the next. Waits while the thread is some pieces behind.
  void append(const std::shared_ptr<Member>& member, std::string& piece);
  // Waits until all of it is packed.
  archive::CompressedMember finish(const std::shared_ptr<Member>& member, std::string name);

 private:
  struct Piece {
    std::shared_ptr<Member> member;
    std::string bytes;
    std::optional<std::string> name;  // the member ends here
  };
  void hand_over(Piece piece);
  void work();
  // The whole member, where it ends with this piece.
  static std::optional<archive::CompressedMember> pack(Piece& piece);

  const int level_;
  std::mutex mutex_;
  std::condition_variable moved_;
  std::deque<Piece> pieces_;           // that wait
  std::vector<std::string> spare_;     // empty, with room
  std::shared_ptr<Member> idle_;       // its context is used again
  std::thread thread_;
  bool started_ = false;               // or tried to
  bool quit_ = false;
};

}  // namespace ssnap::capture
