#include "model/info_fields.h"

#include <algorithm>

namespace ssnap::model {

InfoFields::InfoFields(std::initializer_list<InfoField> fields) : InfoFields(InfoPacker().pack({fields.begin(), fields.size()})) {}

InfoFields::InfoFields(const InfoFields& other) : layout_(other.layout_), byte_count_(other.byte_count_) {
  if (other.empty()) return;
  bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(byte_count_);
  std::copy_n(other.bytes_.get(), byte_count_, bytes_.get());
}

InfoFields InfoPacker::pack(std::span<const InfoField> fields) {
  InfoFields packed;
  if (fields.empty()) return packed;
  const auto same = [](const InfoField& a, const InfoField& b) { return a.name.data() == b.name.data() && a.offset == b.offset; };
  if (!layout_ || !std::equal(fields.begin(), fields.end(), layout_->fields.begin(), layout_->fields.end(), same)) {
    auto layout = std::make_shared<InfoLayout>();
    layout->fields.assign(fields.begin(), fields.end());
    for (InfoField& field : layout->fields) field.value = 0;
    layout_ = std::move(layout);
  }
  constexpr std::size_t kMaxBytes = 10;  // of 64 bits, 7 in each
  bytes_.resize(std::max(bytes_.size(), fields.size() * kMaxBytes));
  std::uint8_t* end = bytes_.data();
  for (const InfoField& field : fields) {
    std::uint64_t value = field.value;
    for (; value >= 0x80; value >>= 7) *end++ = static_cast<std::uint8_t>(value | 0x80);
    *end++ = static_cast<std::uint8_t>(value);
  }
  packed.layout_ = layout_;
  packed.byte_count_ = static_cast<std::uint32_t>(end - bytes_.data());
  packed.bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(packed.byte_count_);
  std::copy(bytes_.data(), end, packed.bytes_.get());
  return packed;
}

}  // namespace ssnap::model
