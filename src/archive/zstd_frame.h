// zstd frames from outside: making one, telling their kinds apart, and finding where the next one begins (RFC 8878).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ssnap::archive {

// Compresses frames that stand on their own: with content checksum and content size.
class FrameCompressor {
 public:
  explicit FrameCompressor(int level);
  ~FrameCompressor();
  FrameCompressor(const FrameCompressor&) = delete;
  FrameCompressor& operator=(const FrameCompressor&) = delete;

  std::string compress(std::string_view bytes);

 private:
  void* context_;  // ZSTD_CCtx, kept out of this header
};

// The most bytes that a frame of FrameCompressor can have, at any level.
std::size_t frame_bound(std::size_t content_bytes);

enum class FrameKind : std::uint8_t { none, zstd, skippable };

// By the magic number at the start of `bytes`; none where it is another or cut.
FrameKind frame_kind(std::string_view bytes);

// True where the zstd frame at the start of `bytes` states its content size. In an archive of ours the content frames
// of large members are the only ones that don't.
bool states_content_size(std::string_view bytes);

// The frame's length in bytes, from its header and the sizes of its blocks alone; nullopt where they make no sense or
// reach past the end. `steps` counts the blocks that were looked at, for the caller's limit.
std::optional<std::size_t> frame_extent(std::string_view bytes, std::uint64_t& steps);

// Finds the next place at or after an offset where a frame may begin: zstd's magic or that of the seal. Looks at every
// byte of the file once at most, if asked with rising offsets.
class FrameFinder {
 public:
  explicit FrameFinder(std::string_view file) : file_(file) {}
  // npos where there is none.
  std::size_t next(std::size_t from);

 private:
  std::string_view file_;
  std::size_t zstd_ = 0, seal_ = 0;
  bool started_ = false;
};

}  // namespace ssnap::archive
