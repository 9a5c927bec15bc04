// A cursor over untrusted bytes: every read is bounded, the byte order is an argument, a short read is nullopt.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace ssnap::base {

enum class ByteOrder : std::uint8_t { little, big };

// An unsigned integer of sizeof(T) bytes, wherever they lie.
template <class T>
T load(const char* bytes, ByteOrder order) {
  T value = 0;
  std::memcpy(&value, bytes, sizeof value);
  if ((order == ByteOrder::little) == (std::endian::native == std::endian::little)) return value;
  if constexpr (sizeof value == 2) return __builtin_bswap16(value);
  else if constexpr (sizeof value == 4) return __builtin_bswap32(value);
  else if constexpr (sizeof value == 8) return __builtin_bswap64(value);
  else return value;
}

class ByteReader {
 public:
  ByteReader(std::string_view bytes, ByteOrder order) : bytes_(bytes), order_(order) {}

  std::size_t offset() const { return offset_; }
  std::size_t remaining() const { return bytes_.size() - offset_; }
  bool at_end() const { return remaining() == 0; }
  ByteOrder order() const { return order_; }

  std::optional<std::uint8_t> u8() { return integer<std::uint8_t>(order_); }
  std::optional<std::uint16_t> u16() { return integer<std::uint16_t>(order_); }
  std::optional<std::uint32_t> u32() { return integer<std::uint32_t>(order_); }
  std::optional<std::uint64_t> u64() { return integer<std::uint64_t>(order_); }
  // Network byte order, whatever the host's (ports).
  std::optional<std::uint16_t> u16_network() { return integer<std::uint16_t>(ByteOrder::big); }
  std::optional<std::uint32_t> u32_network() { return integer<std::uint32_t>(ByteOrder::big); }

  // The next `count` bytes; nullopt, and nothing consumed, where fewer are left.
  std::optional<std::string_view> bytes(std::size_t count) {
    if (count > remaining()) return std::nullopt;
    std::string_view taken = bytes_.substr(offset_, count);
    offset_ += count;
    return taken;
  }
  [[nodiscard]] bool skip(std::size_t count) { return bytes(count).has_value(); }
  std::string_view rest() { return *bytes(remaining()); }

 private:
  template <class T>
  std::optional<T> integer(ByteOrder order) {
    if (sizeof(T) > remaining()) return std::nullopt;
    const T value = load<T>(bytes_.data() + offset_, order);
    offset_ += sizeof(T);
    return value;
  }

  std::string_view bytes_;
  std::size_t offset_ = 0;
  ByteOrder order_;
};

}  // namespace ssnap::base
