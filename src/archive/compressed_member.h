// A large member, compressed into a zstd frame of its own while it is read, before its size is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/sha256.h"

namespace ssnap::archive {

// Bytes that grow to tens of megabytes: where the C library can, it grows them in place, so that there are never two copies.
class FrameBytes {
 public:
  FrameBytes() = default;
  FrameBytes(FrameBytes&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)), room_(std::exchange(other.room_, 0)) {}
  FrameBytes& operator=(FrameBytes&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    room_ = std::exchange(other.room_, 0);
    return *this;
  }
  void append(const char* bytes, std::size_t size);
  std::size_t size() const { return size_; }
  operator std::string_view() const { return {bytes_.get(), size_}; }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
  std::size_t size_ = 0, room_ = 0;
};

struct CompressedMember {
  std::string name;
  std::uint64_t size_bytes = 0;  // uncompressed, without tar's padding
  std::string sha256;            // of the content
  FrameBytes frame;              // one whole zstd frame: the content and tar's padding to 512 bytes
};

// Usable from any thread, one thread at a time; independent of the Writer that takes the result.
class MemberCompressor {
 public:
  explicit MemberCompressor(int level);
  ~MemberCompressor();
  MemberCompressor(MemberCompressor&&) noexcept;
  MemberCompressor& operator=(MemberCompressor&&) noexcept;

  // Of the members to come; between two of them only.
  void set_level(int level);
  void append(std::string_view bytes);
  std::uint64_t size_bytes() const;
  // Ends the frame. The compressor is then ready for the next member.
  CompressedMember finish(std::string name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ssnap::archive
