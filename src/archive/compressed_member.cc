#include "archive/compressed_member.h"

#include <algorithm>
#include <cstring>
#include <new>

#include <zstd.h>

#include "archive/tar.h"

namespace ssnap::archive {

void FrameBytes::append(const char* bytes, std::size_t size) {
  constexpr std::size_t kFirstBytes = 16 * 1024;
  if (size == 0) return;  // the room may be null
  if (size > room_ - size_) {
    const std::size_t room = std::max({kFirstBytes, size_ + size, room_ + room_ / 2});
    char* grown = static_cast<char*>(std::realloc(bytes_.get(), room));
    if (grown == nullptr) throw std::bad_alloc();
    (void)bytes_.release();
    bytes_.reset(grown);
    room_ = room;
  }
  std::memcpy(bytes_.get() + size_, bytes, size);
  size_ += size;
}

struct MemberCompressor::State {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  base::Sha256 hash;
  std::uint64_t size_bytes = 0;
  FrameBytes frame;
  std::string out = std::string(ZSTD_CStreamOutSize(), '\0');

  State() {
    if (context == nullptr) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { ZSTD_freeCCtx(context); }

  void compress(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context, &output, &input, directive);
      if (ZSTD_isError(left)) throw std::bad_alloc();  // the parameters are valid: only memory can lack
      frame.append(out.data(), output.pos);
      const bool done = directive == ZSTD_e_end ? left == 0 : input.pos == input.size;
      if (done) return;
    }
  }
};

MemberCompressor::MemberCompressor(int level) : state_(std::make_unique<State>()) {
  set_level(level);
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_checksumFlag, 1);
  // Never stated, even where zstd could know it: a reader tells content frames from all others by this.
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_contentSizeFlag, 0);
}

MemberCompressor::~MemberCompressor() = default;
MemberCompressor::MemberCompressor(MemberCompressor&&) noexcept = default;
MemberCompressor& MemberCompressor::operator=(MemberCompressor&&) noexcept = default;

void MemberCompressor::set_level(int level) { ZSTD_CCtx_setParameter(state_->context, ZSTD_c_compressionLevel, level); }

void MemberCompressor::append(std::string_view bytes) {
  state_->hash.update(bytes);
  state_->size_bytes += bytes.size();
  state_->compress(bytes, ZSTD_e_continue);
}

std::uint64_t MemberCompressor::size_bytes() const { return state_->size_bytes; }

CompressedMember MemberCompressor::finish(std::string name) {
  const std::string padding(tar_padding(state_->size_bytes), '\0');
  state_->compress(padding, ZSTD_e_end);
  CompressedMember member{std::move(name), state_->size_bytes, state_->hash.hex(), std::move(state_->frame)};
  state_->hash = base::Sha256();
  state_->size_bytes = 0;
  return member;
}

}  // namespace ssnap::archive
