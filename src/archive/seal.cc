#include "archive/seal.h"

#include <algorithm>

#include "base/byte_reader.h"
#include "base/text_cursor.h"

namespace ssnap::archive {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x53\x2A\x4D\x18"sv;  // 0x184D2A53: the fourth of zstd's skippable frames
constexpr std::string_view kBegin = "ssnap seal 1 bytes=";
constexpr std::string_view kMiddle = " sha256=";
constexpr std::size_t kHexDigits = 64;
constexpr std::size_t kFrameHeaderBytes = 8;
constexpr std::size_t kMaxDecimalDigits = 20;  // of 2^64
constexpr std::size_t kMaxFrameBytes =
    kFrameHeaderBytes + kBegin.size() + kMaxDecimalDigits + kMiddle.size() + kHexDigits + 1;

bool is_lower_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string to_frame(const Seal& seal) {
  std::string text(kBegin);
  text += std::to_string(seal.bytes);
  text += kMiddle;
  text += seal.sha256;
  text += '\n';
  std::string frame(kMagic);
  for (unsigned shift = 0; shift < 32; shift += 8) frame += static_cast<char>(text.size() >> shift & 0xff);
  return frame + text;
}

std::optional<Seal> parse_seal(std::string_view bytes) {
  base::ByteReader reader(bytes, base::ByteOrder::little);
  if (reader.bytes(kMagic.size()) != kMagic) return std::nullopt;
  const auto length = reader.u32();
  if (!length || *length != reader.remaining()) return std::nullopt;
  const std::string_view text = reader.rest();
  if (text.size() > kMaxFrameBytes || !text.starts_with(kBegin) || !text.ends_with('\n')) return std::nullopt;
  const std::size_t middle = text.find(kMiddle, kBegin.size());
  if (middle == std::string_view::npos) return std::nullopt;
  const std::string_view decimal = text.substr(kBegin.size(), middle - kBegin.size());
  const std::string_view hex = text.substr(middle + kMiddle.size(), text.size() - middle - kMiddle.size() - 1);
  const auto count = base::parse_integer<std::uint64_t>(decimal);
  if (!count || std::to_string(*count) != decimal) return std::nullopt;
  if (hex.size() != kHexDigits || !std::all_of(hex.begin(), hex.end(), is_lower_hex)) return std::nullopt;
  return Seal{*count, std::string(hex)};
}

std::optional<std::size_t> find_seal(std::string_view file) {
  const std::size_t from = file.size() > kMaxFrameBytes ? file.size() - kMaxFrameBytes : 0;
  for (std::size_t at = file.find(kMagic, from); at != std::string_view::npos; at = file.find(kMagic, at + 1))
    if (parse_seal(file.substr(at))) return at;
  return std::nullopt;
}

}  // namespace ssnap::archive
