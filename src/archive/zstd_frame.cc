#include "archive/zstd_frame.h"

#include <algorithm>
#include <new>
#include <stdexcept>

#include <zstd.h>

#include "base/byte_reader.h"

namespace ssnap::archive {
namespace {

using namespace std::string_view_literals;

constexpr std::uint32_t kZstdMagic = 0xFD2FB528;
constexpr std::uint32_t kSkippableMagic = 0x184D2A50;      // and the 15 after it
constexpr std::uint32_t kMaxBlockBytes = 128 * 1024;       // Block_Maximum_Size
constexpr std::string_view kZstdMagicBytes = "\x28\xB5\x2F\xFD"sv;
constexpr std::string_view kSealMagicBytes = "\x53\x2A\x4D\x18"sv;

base::ByteReader little_endian(std::string_view bytes) { return {bytes, base::ByteOrder::little}; }

}  // namespace

FrameCompressor::FrameCompressor(int level) : context_(ZSTD_createCCtx()) {
  if (context_ == nullptr) throw std::bad_alloc();
  auto* context = static_cast<ZSTD_CCtx*>(context_);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

FrameCompressor::~FrameCompressor() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

std::string FrameCompressor::compress(std::string_view bytes) {
  std::string frame(frame_bound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress2(static_cast<ZSTD_CCtx*>(context_), frame.data(), frame.size(),
                                          bytes.data(), bytes.size());
  // With room for the bound, only a lack of memory is left.
  if (ZSTD_isError(size)) throw std::bad_alloc();
  frame.resize(size);
  return frame;
}

std::size_t frame_bound(std::size_t content_bytes) { return ZSTD_compressBound(content_bytes); }

FrameKind frame_kind(std::string_view bytes) {
  const auto magic = little_endian(bytes).u32();
  if (!magic) return FrameKind::none;
  if (*magic == kZstdMagic) return FrameKind::zstd;
  return (*magic & 0xFFFFFFF0u) == kSkippableMagic ? FrameKind::skippable : FrameKind::none;
}

bool states_content_size(std::string_view bytes) {
  if (bytes.size() < 5) return false;
  const auto descriptor = static_cast<unsigned char>(bytes[4]);
  const bool single_segment = descriptor & 0x20;
  return single_segment || (descriptor >> 6) != 0;
}

std::optional<std::size_t> frame_extent(std::string_view bytes, std::uint64_t& steps) {
  auto reader = little_endian(bytes);
  if (reader.u32() != kZstdMagic) return std::nullopt;
  const auto descriptor = reader.u8();
  if (!descriptor) return std::nullopt;
  const bool single_segment = *descriptor & 0x20;
  const bool checksum = *descriptor & 0x04;
  static constexpr std::size_t kDictionaryIdBytes[] = {0, 1, 2, 4};
  static constexpr std::size_t kContentSizeBytes[] = {0, 2, 4, 8};
  const std::size_t size_flag = *descriptor >> 6;
  const std::size_t content_size_bytes = size_flag == 0 && single_segment ? 1 : kContentSizeBytes[size_flag];
  if (!reader.skip((single_segment ? 0 : 1) + kDictionaryIdBytes[*descriptor & 3] + content_size_bytes))
    return std::nullopt;
  for (;;) {
    ++steps;
    const auto low = reader.u16();
    const auto high = reader.u8();
    if (!low || !high) return std::nullopt;
    const std::uint32_t header = *low | std::uint32_t{*high} << 16;
    const std::uint32_t type = header >> 1 & 3;
    const std::uint32_t size = header >> 3;
    if (type == 3 || size > kMaxBlockBytes) return std::nullopt;
    if (!reader.skip(type == 1 ? 1 : size)) return std::nullopt;  // 1: one byte, repeated
    if (header & 1) break;
  }
  if (checksum && !reader.skip(4)) return std::nullopt;
  return reader.offset();
}

std::size_t FrameFinder::next(std::size_t from) {
  if (!started_ || (zstd_ != std::string_view::npos && zstd_ < from)) zstd_ = file_.find(kZstdMagicBytes, from);
  if (!started_ || (seal_ != std::string_view::npos && seal_ < from)) seal_ = file_.find(kSealMagicBytes, from);
  started_ = true;
  return std::min(zstd_, seal_);
}

}  // namespace ssnap::archive
