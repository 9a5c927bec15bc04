// A part that most objects leave as it is made: those take one word for it.
#pragma once

#include <memory>
#include <utility>

namespace ssnap::base {

// Reads as a T, `T()` until something is written to it, and holds one only then.
template <class T>
class Rare {
 public:
  Rare() = default;
  Rare(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Rare(const Rare& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Rare(Rare&&) noexcept = default;
  Rare& operator=(const Rare& other) { return *this = Rare(other); }
  Rare& operator=(Rare&&) noexcept = default;
  Rare& operator=(T value) { return *this = Rare(std::move(value)); }

  const T& operator*() const { return value_ ? *value_ : none_; }
  const T* operator->() const { return &**this; }
  operator const T&() const { return **this; }

  // To write to.
  T& make() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }

 private:
  static inline const T none_{};
  std::unique_ptr<T> value_;
};

}  // namespace ssnap::base
