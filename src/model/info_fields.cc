#include "model/info_fields.h"

#include <algorithm>

namespace ssnap::model {

InfoFields::InfoFields(std::initializer_list<InfoField> fields) : InfoFields(InfoPacker().pack(std::span(fields.begin(), fields.size()))) {}

InfoFields::InfoFields(const InfoFields& other) : layout_(other.layout_), byte_count_(other.byte_count_) {
  if (other.empty()) return;
  bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(byte_count_);
  std::copy_n(other.bytes_.get(), byte_count_, bytes_.get());
}

void InfoPacker::begin(std::size_t count) {
  constexpr std::size_t kMaxBytes = 10;  // of 64 bits, 7 in each
  if (bytes_.size() < count * kMaxBytes) bytes_.resize(count * kMaxBytes);
}

InfoFields InfoPacker::end(const std::uint8_t* end) {
  InfoFields packed;
  packed.layout_ = layout_;
  packed.byte_count_ = static_cast<std::uint32_t>(end - bytes_.data());
  packed.bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(packed.byte_count_);
  std::copy_n(bytes_.data(), packed.byte_count_, packed.bytes_.get());
  return packed;
}

}  // namespace ssnap::model
