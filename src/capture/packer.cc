#include "capture/packer.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace ssnap::capture {
namespace {

// Enough that neither waits for the other for the length of a time slice; the bound of the memory between them.
constexpr std::size_t kMaxPieces = 8;

}  // namespace

struct Packer::Member {
  explicit Member(int level) : compressor(level) {}
  archive::MemberCompressor compressor;
  std::optional<archive::CompressedMember> result;
};

Packer::~Packer() {
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
    moved_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<Packer::Member> Packer::begin(Content content) {
  if (!started_) {
    started_ = true;
    try {
      thread_ = std::thread([this] { work(); });  // the caller has all signals blocked, so this one has
    } catch (const std::system_error&) {
      // A limit of threads: then the caller packs.
    }
  }
  const int level = content == Content::records ? std::max(level_, kRecordsLevel) : level_;
  auto member = std::exchange(idle_, nullptr);
  if (member) member->compressor.set_level(level);
  else member = std::make_shared<Member>(level);
  return member;
}

void Packer::append(const std::shared_ptr<Member>& member, std::string& piece) {
  hand_over({member, std::move(piece), std::nullopt});
  const std::lock_guard lock(mutex_);
  piece.clear();
  if (spare_.empty()) return;
  piece = std::move(spare_.back());
  spare_.pop_back();
}

archive::CompressedMember Packer::finish(const std::shared_ptr<Member>& member, std::string name) {
  hand_over({member, {}, std::move(name)});
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return member->result.has_value(); });
  archive::CompressedMember result = std::move(*member->result);
  member->result.reset();
  idle_ = member;
  return result;
}

void Packer::hand_over(Piece piece) {
  if (!thread_.joinable()) {
    piece.member->result = pack(piece);
    return;
  }
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return pieces_.size() < kMaxPieces; });
  pieces_.push_back(std::move(piece));
  moved_.notify_all();
}

void Packer::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    moved_.wait(lock, [&] { return !pieces_.empty() || quit_; });
    if (pieces_.empty() || quit_) return;
    Piece piece = std::move(pieces_.front());
    lock.unlock();
    auto result = pack(piece);
    lock.lock();
    piece.member->result = std::move(result);
    // Only now: what waits and what is being packed are bounded together.
    pieces_.pop_front();
    piece.bytes.clear();
    if (piece.bytes.capacity() >= kPieceBytes && spare_.size() < kMaxPieces) spare_.push_back(std::move(piece.bytes));
    moved_.notify_all();
  }
}

std::optional<archive::CompressedMember> Packer::pack(Piece& piece) {
  piece.member->compressor.append(piece.bytes);
  if (!piece.name) return std::nullopt;
  return piece.member->compressor.finish(std::move(*piece.name));
}

}  // namespace ssnap::capture
