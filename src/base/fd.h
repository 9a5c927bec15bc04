// A file descriptor that closes itself, and what it leads to.
#pragma once

#include <utility>

struct stat;

namespace ssnap::base {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  explicit operator bool() const { return number_ >= 0; }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  void reset();

 private:
  int number_ = -1;
};

// As fstat(), also on Linux before 2.6.39, where that of glibc 2.33 to 2.38 fails: it asks by newfstatat() with AT_EMPTY_PATH.
// There it needs /proc. False: errno says why.
bool file_status(int fd, struct stat& status);

}  // namespace ssnap::base
