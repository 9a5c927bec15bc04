// A large member, compressed into a zstd frame of its own while it is read, before its size is known.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/sha256.h"

namespace ssnap::archive {

struct CompressedMember {
  std::string name;
  std::uint64_t size_bytes = 0;  // uncompressed, without tar's padding
  std::string sha256;            // of the content
  std::string frame;             // one whole zstd frame: the content and tar's padding to 512 bytes
};

// Usable from any thread, one thread at a time; independent of the Writer that takes the result.
class MemberCompressor {
 public:
  explicit MemberCompressor(int level);
  ~MemberCompressor();
  MemberCompressor(MemberCompressor&&) noexcept;
  MemberCompressor& operator=(MemberCompressor&&) noexcept;

  void append(std::string_view bytes);
  std::uint64_t size_bytes() const;
  // Ends the frame. The compressor is then ready for the next member.
  CompressedMember finish(std::string name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ssnap::archive
