// A list that holds its first few items in itself: most lists of a socket have one or two, and a million sockets have a
// million of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>

namespace ssnap::base {

// Like std::vector, for items that can be copied as bytes. Up to `kInline` of them take no memory of their own. As there,
// adding may move the items.
template <class T, std::uint32_t kInline>
class SmallList {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T> && kInline > 0);

 public:
  using value_type = T;
  using iterator = T*;
  using const_iterator = const T*;

  SmallList() = default;
  SmallList(std::initializer_list<T> items) { assign(items.begin(), items.end()); }
  template <std::ranges::input_range Range>
    requires(!std::is_same_v<std::remove_cvref_t<Range>, SmallList> &&
             std::is_convertible_v<std::ranges::range_reference_t<Range>, T>)
  SmallList(const Range& range) { assign(std::ranges::begin(range), std::ranges::end(range)); }
  SmallList(const SmallList& other) { assign(other.begin(), other.end()); }
  SmallList(SmallList&& other) noexcept { take(other); }
  SmallList& operator=(const SmallList& other) {
    if (this != &other) assign(other.begin(), other.end());
    return *this;
  }
  SmallList& operator=(SmallList&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~SmallList() { release(); }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* data() { return is_inline() ? items_ : heap_; }
  const T* data() const { return is_inline() ? items_ : heap_; }
  iterator begin() { return data(); }
  iterator end() { return data() + size_; }
  const_iterator begin() const { return data(); }
  const_iterator end() const { return data() + size_; }
  auto rbegin() const { return std::make_reverse_iterator(end()); }
  auto rend() const { return std::make_reverse_iterator(begin()); }
  T& operator[](std::size_t at) { return data()[at]; }
  const T& operator[](std::size_t at) const { return data()[at]; }
  T& front() { return *begin(); }
  const T& front() const { return *begin(); }
  T& back() { return *(end() - 1); }
  const T& back() const { return *(end() - 1); }

  void push_back(T item) {
    if (size_ == capacity_) grow();
    data()[size_++] = item;
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }
  iterator insert(const_iterator before, T item) {
    const auto at = before - begin();
    push_back(item);
    std::rotate(begin() + at, end() - 1, end());
    return begin() + at;
  }
  iterator erase(const_iterator first, const_iterator last) {
    const auto at = first - begin();
    std::copy(last, const_iterator(end()), begin() + at);
    size_ -= static_cast<std::uint32_t>(last - first);
    return begin() + at;
  }
  template <class First, class Last>
  void assign(First first, Last last) {
    clear();
    for (; first != last; ++first) push_back(*first);
  }

  template <std::ranges::input_range Range>
  friend bool operator==(const SmallList& list, const Range& range) {
    return std::equal(list.begin(), list.end(), std::ranges::begin(range), std::ranges::end(range));
  }

 private:
  bool is_inline() const { return capacity_ == kInline; }
  void release() {
    if (!is_inline()) delete[] heap_;
    size_ = 0;
    capacity_ = kInline;
  }
  void take(SmallList& other) {
    if (other.is_inline()) std::copy(other.begin(), other.end(), items_);
    else heap_ = other.heap_;
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, kInline);
  }
  void grow() {
    T* larger = new T[std::size_t{capacity_} * 2];
    std::copy(begin(), end(), larger);
    if (!is_inline()) delete[] heap_;
    heap_ = larger;
    capacity_ *= 2;
  }

  std::uint32_t size_ = 0, capacity_ = kInline;
  union {
    T items_[kInline] = {};
    T* heap_;
  };
};

}  // namespace ssnap::base
