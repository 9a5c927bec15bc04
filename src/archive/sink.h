// Where the compressed bytes go: the seam between the writer and files, pipes and memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace ssnap::archive {

class Sink {
 public:
  virtual ~Sink() = default;
  // All of `bytes`, or an Error with its errno (ENOSPC, EPIPE, ...); `taken` then says how many went out before it.
  virtual base::Result<void> write(std::string_view bytes) = 0;
  // Of all that was ever written, what is in the output.
  virtual std::uint64_t taken() const = 0;
  // Makes what was written survive a power loss, where the output is a file (fdatasync); else does nothing.
  virtual base::Result<void> sync() { return {}; }
  // Makes sure of room for so many more bytes. Where the output can't tell, does nothing.
  virtual base::Result<void> reserve(std::uint64_t) { return {}; }
  // What was written replays from here on: capture.json is out.
  virtual base::Result<void> usable() { return {}; }
  // Forgets everything behind the first `bytes`. False where what went out can't be taken back.
  virtual bool cut_back(std::uint64_t) { return false; }
};

// Standard output: a pipe, or a file that someone else opened. Loops over short writes and EINTR.
class FdSink : public Sink {
 public:
  explicit FdSink(base::Fd fd, bool is_file) : fd_(std::move(fd)), is_file_(is_file) {}
  base::Result<void> write(std::string_view bytes) override;
  std::uint64_t taken() const override { return taken_; }
  base::Result<void> sync() override;

 protected:
  int fd() const { return fd_.get(); }
  void forget_behind(std::uint64_t bytes) { taken_ = bytes; }

 private:
  base::Fd fd_;
  bool is_file_;
  std::uint64_t taken_ = 0;
};

// For tests and `analyze --live`.
class MemorySink : public Sink {
 public:
  base::Result<void> write(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  std::uint64_t taken() const override { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace ssnap::archive
