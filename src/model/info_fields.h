// The numbers of tcp_info, mptcp_info or sctp_info of one socket, packed: a million sockets have some sixty each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace ssnap::model {

// One number. Those that this version has no name for come by their offset.
struct InfoField {
  std::string_view name;  // the kernel's, of static storage; "": unnamed
  std::uint32_t offset = 0;
  std::uint64_t value = 0;
};

// Which numbers there are, without their values: sockets of one kernel share it.
struct InfoLayout {
  std::vector<InfoField> fields;  // values 0
};

// A list of InfoField that can be gone through from its begin to its end. Values take as many bytes as they need: 7 bits
// each, the low ones first, the top bit set in all but the last.
class InfoFields {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = InfoField;
    using difference_type = std::ptrdiff_t;
    using pointer = const InfoField*;
    using reference = const InfoField&;

    Iterator() = default;
    Iterator(const InfoField* field, const InfoField* end, const std::uint8_t* bytes) : at_(field), end_(end), bytes_(bytes) {
      read();
    }
    reference operator*() const { return field_; }
    pointer operator->() const { return &field_; }
    Iterator& operator++() {
      ++at_;
      read();
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    void read() {
      if (at_ == end_) return;
      field_ = *at_;
      field_.value = 0;
      for (unsigned shift = 0;; shift += 7) {
        const std::uint8_t byte = *bytes_++;
        field_.value |= std::uint64_t{byte & 0x7fu} << shift;
        if (byte < 0x80) return;
      }
    }

    const InfoField* at_ = nullptr;
    const InfoField* end_ = nullptr;
    const std::uint8_t* bytes_ = nullptr;
    InfoField field_;
  };

  InfoFields() = default;
  InfoFields(std::initializer_list<InfoField> fields);
  InfoFields(const InfoFields& other);
  InfoFields(InfoFields&&) = default;
  InfoFields& operator=(const InfoFields& other) { return *this = InfoFields(other); }
  InfoFields& operator=(InfoFields&&) = default;

  bool empty() const { return layout_ == nullptr; }
  Iterator begin() const { return empty() ? Iterator() : Iterator(first(), last(), bytes_.get()); }
  Iterator end() const { return empty() ? Iterator() : Iterator(last(), last(), nullptr); }

 private:
  friend class InfoPacker;
  const InfoField* first() const { return layout_->fields.data(); }
  const InfoField* last() const { return first() + layout_->fields.size(); }

  std::shared_ptr<const InfoLayout> layout_;  // null: no fields
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::uint32_t byte_count_ = 0;
};

// Packs the fields of one socket after the other; those that follow one another with the same names share a layout.
class InfoPacker {
 public:
  // `fields`: of any kind with a name of static storage, an offset and a value.
  template <class Field>
  InfoFields pack(std::span<const Field> fields) {
    if (fields.empty()) return {};
    const auto same = [](const Field& a, const InfoField& b) { return a.name.data() == b.name.data() && a.offset == b.offset; };
    if (!layout_ || !std::equal(fields.begin(), fields.end(), layout_->fields.begin(), layout_->fields.end(), same)) {
      auto layout = std::make_shared<InfoLayout>();
      for (const Field& field : fields) layout->fields.push_back({field.name, field.offset, 0});
      layout_ = std::move(layout);
    }
    begin(fields.size());
    std::uint8_t* at = bytes_.data();
    for (const Field& field : fields) {
      std::uint64_t value = field.value;
      for (; value >= 0x80; value >>= 7) *at++ = static_cast<std::uint8_t>(value | 0x80);
      *at++ = static_cast<std::uint8_t>(value);
    }
    return end(at);
  }

 private:
  void begin(std::size_t count);
  InfoFields end(const std::uint8_t* end);

  std::shared_ptr<const InfoLayout> layout_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace ssnap::model
