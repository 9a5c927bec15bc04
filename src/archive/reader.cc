#include "archive/reader.h"

#include <algorithm>
#include <future>
#include <memory>
#include <new>

#include <zstd.h>
#include <zstd_errors.h>

#include "archive/manifest.h"
#include "archive/seal.h"
#include "archive/tar_reader.h"
#include "archive/zstd_frame.h"
#include "base/beside.h"
#include "base/byte_reader.h"
#include "base/sha256.h"

namespace ssnap::archive {
namespace {

// Holds a whole batch of our writer, so that its members are handed out without a copy.
constexpr std::size_t kDecodeBufferBytes = 512 * 1024;
// What the zstd decoder wants to see first; from there on it says how much it wants next, which is one block. A larger
// piece would decode no faster, and lose the blocks before a damaged one.
constexpr std::size_t kFirstPieceBytes = 5;
constexpr std::size_t kSkippableHeaderBytes = 8;
constexpr std::size_t kWorthAThread = 256 * 1024;
constexpr std::uint64_t kRereadAllowanceBytes = 64 * kKiB;

// One reading of one file.
class ArchiveReader {
 public:
  ArchiveReader(std::string_view file, const MemberVisitor& visit, const ReadLimits& limits)
      : file_(file), limits_(limits), tar_(limits_, report_, visit), finder_(file), context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxWindowLog);
    start_digest();
    output_left_ = std::min(limits_.output_bytes, limits_.output_allowance_bytes + limits_.ratio * file_.size());
  }
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;
  ~ArchiveReader() { ZSTD_freeDCtx(context_); }

  ReadReport read() {
    while (at_ < file_.size() && !stopped_ && !cut_) {
      switch (frame_kind(file_.substr(at_))) {
        case FrameKind::zstd:
          read_frame();
          break;
        case FrameKind::skippable:
          pass_skippable();
          break;
        case FrameKind::none:
          if (file_.size() - at_ < 4) cut_ = true;
          else go_on_after("no zstd frame begins here", 1);
      }
    }
    conclude();
    return std::move(report_);
  }

 private:
  enum class Ending : std::uint8_t { whole, cut, checksum_wrong, damaged, limit };

  // Decodes the frame at at_ into the tar reader; `consumed_` is then its length, or how far decoding came.
  Ending decode(bool wanted) {
    ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    const std::string_view input = file_.substr(at_);
    std::size_t filled = 0;
    std::size_t piece = kFirstPieceBytes;
    const auto flush = [&] {
      if (wanted) tar_.feed({buffer_.get(), filled});
      filled = 0;
    };
    consumed_ = 0;
    for (;;) {
      ZSTD_inBuffer in{input.data(), std::min(input.size(), consumed_ + piece), consumed_};
      ZSTD_outBuffer out{buffer_.get(), kDecodeBufferBytes, filled};
      const std::size_t wants = ZSTD_decompressStream(context_, &out, &in);
      if (ZSTD_isError(wants)) {
        flush();
        failure_ = ZSTD_getErrorName(wants);
        consumed_ = in.size;
        return ZSTD_getErrorCode(wants) == ZSTD_error_checksum_wrong ? Ending::checksum_wrong : Ending::damaged;
      }
      const std::size_t produced = out.pos - filled;
      const bool output_full = out.pos == out.size;
      filled = out.pos;
      consumed_ = in.pos;
      if (produced > output_left_) {
        flush();
        return Ending::limit;
      }
      output_left_ -= produced;
      if (wants == 0) {
        flush();
        return Ending::whole;
      }
      if (output_full) {
        flush();
        if (tar_.stopped()) return Ending::limit;
      } else if (in.pos == input.size()) {
        flush();
        return Ending::cut;
      }
      piece = in.pos < in.size ? in.size - in.pos : wants;
    }
  }

  void read_frame() {
    const bool wanted = tar_.begin_frame(at_, states_content_size(file_.substr(at_)));
    const Ending ending = decode(wanted);
    if (tar_.stopped()) {
      stopped_ = true;
      return;
    }
    switch (ending) {
      case Ending::whole:
        tar_.end_frame();
        at_ += consumed_;
        return;
      case Ending::limit:
        tar_.damaged(false);
        report_.problems.add(at_, "the archive expands beyond the limit: the rest is not read");
        stopped_ = true;
        return;
      case Ending::cut:
        // A file that still has its seal was not cut: a damaged length made the frame reach past the end.
        if (!find_seal(file_)) {
          cut_ = true;
          return;
        }
        failure_ = "it reaches past the end of the file";
        [[fallthrough]];
      case Ending::damaged:
        tar_.damaged(false);
        break;
      case Ending::checksum_wrong:
        tar_.damaged(true);
        break;
    }
    std::uint64_t steps = 0;
    const auto extent = frame_extent(file_.substr(at_), steps);
    reread_ += consumed_ + steps * 3;
    const std::string what = "damaged frame (" + failure_ + ")";
    const std::size_t next = at_ + extent.value_or(0);
    if (extent && (next == file_.size() || frame_kind(file_.substr(next)) != FrameKind::none)) {
      report_.problems.add(at_, what);
      at_ = next;
    } else {
      go_on_after(what, 4);
    }
  }

  // Reports, and searches for the next frame `skip` bytes on.
  void go_on_after(const std::string& what, std::size_t skip) {
    if (reread_ > kMaxRereadPasses * file_.size() + kRereadAllowanceBytes) {
      report_.problems.add(at_, what + ": too much of it, the rest is not read");
      stopped_ = true;
      return;
    }
    tar_.damaged(false);
    const std::size_t next = finder_.next(at_ + skip);
    const bool found = next != std::string_view::npos;
    report_.problems.add(at_, what + (found ? ": going on with the frame at " + std::to_string(next)
                                            : ": no frame follows"));
    at_ = found ? next : file_.size();
  }

  void pass_skippable() {
    const std::string_view rest = file_.substr(at_);
    base::ByteReader reader(rest, base::ByteOrder::little);
    (void)reader.u32();
    const auto length = reader.u32();
    if (!length || !reader.skip(*length)) {
      cut_ = true;
      return;
    }
    const std::string_view frame = rest.substr(0, kSkippableHeaderBytes + *length);
    if (const auto seal = parse_seal(frame)) check_seal(*seal, frame.size());
    at_ += frame.size();
  }

  void check_seal(const Seal& seal, std::size_t frame_bytes) {
    seal_seen_ = true;
    if (at_ + frame_bytes != file_.size()) {
      report_.problems.add(at_, "bytes after the seal");
    } else if (seal.bytes != at_) {
      report_.problems.add(at_, "the seal is about " + std::to_string(seal.bytes) + " bytes, " + std::to_string(at_) +
                                    " precede it");
    } else if (seal.sha256 != digest_of_file()) {
      report_.problems.add(at_, "the seal's SHA-256 is not that of the bytes before it: something was altered");
    } else if (!tar_.ended() || !tar_.manifest_was_last()) {
      report_.problems.add(at_, "the seal does not follow a manifest and the end of the tar");
    } else {
      report_.sealed = true;
    }
  }

  // What the seal states of a large file takes as long to check as the file to read: beside it, where there is a thread.
  void start_digest() {
    const auto end = find_seal(file_);
    if (!end || *end < kWorthAThread) return;
    digest_ = base::beside([bytes = file_.substr(0, *end)] { return base::sha256_hex(bytes); });
  }
  // Of all before the seal that ends the file.
  std::string digest_of_file() { return digest_.valid() ? digest_.get() : base::sha256_hex(file_.substr(0, at_)); }

  // What only the end of the input tells.
  void conclude() {
    if (stopped_) return;
    const bool tar_cut = tar_.cut();
    if (cut_ || tar_cut) add_last("the archive is cut: it ends " + std::string(cut_ ? "inside a frame" : "between frames"));
    else if (!seal_seen_) add_last("the archive has no seal at its end: it was cut there, or repacked");
  }

  // A cut is always among the problems that are kept.
  void add_last(std::string message) {
    report_.cut = true;
    auto& problems = report_.problems;
    if (problems.kept.size() == base::Problems::kMaxProblemsKept) problems.kept.pop_back();
    problems.add(file_.size(), std::move(message));
  }

  std::string_view file_;
  const ReadLimits limits_;
  ReadReport report_;
  TarReader tar_;
  FrameFinder finder_;
  ZSTD_DCtx* context_;
  const std::unique_ptr<char[]> buffer_ = std::make_unique_for_overwrite<char[]>(kDecodeBufferBytes);

  std::size_t at_ = 0;          // where the frame at hand begins
  std::size_t consumed_ = 0;    // of it
  std::string failure_;         // zstd's word for the damage
  std::uint64_t output_left_ = 0;
  std::uint64_t reread_ = 0;    // bytes that damage may have made us read once more
  std::future<std::string> digest_;  // of all before the seal; not valid where it isn't being made
  bool cut_ = false, stopped_ = false, seal_seen_ = false;
};

}  // namespace

bool looks_like_archive(std::string_view compressed) { return frame_kind(compressed) != FrameKind::none; }

ReadReport read_archive(std::string_view compressed, const MemberVisitor& visit, const ReadLimits& limits) {
  return ArchiveReader(compressed, visit, limits).read();
}

}  // namespace ssnap::archive
