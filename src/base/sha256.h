// SHA-256, the only thing that ssnap uses nettle for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <nettle/sha2.h>

namespace ssnap::base {

using Sha256Digest = std::array<std::uint8_t, 32>;

// A running hash. `digest` may be asked at any point and doesn't end the run.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  Sha256Digest digest() const;
  std::string hex() const;  // 64 lower-case digits, as sha256sum prints

 private:
  sha256_ctx context_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace ssnap::base
