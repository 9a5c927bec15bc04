// Where the compressed bytes go: the seam between the writer and files, pipes and memory.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace ssnap::archive {

class Sink {
 public:
  virtual ~Sink() = default;
  // All of `bytes`, or an Error with its errno (ENOSPC, EPIPE, ...).
  virtual base::Result<void> write(std::string_view bytes) = 0;
  // Makes what was written survive a power loss, where the output is a file (fdatasync); else does nothing.
  virtual base::Result<void> sync() { return {}; }
};

// A file or pipe. Loops over short writes and EINTR.
class FdSink : public Sink {
 public:
  explicit FdSink(base::Fd fd, bool is_file) : fd_(std::move(fd)), is_file_(is_file) {}
  base::Result<void> write(std::string_view bytes) override;
  base::Result<void> sync() override;

 private:
  base::Fd fd_;
  bool is_file_;
};

// For tests and `analyze --live`.
class MemorySink : public Sink {
 public:
  base::Result<void> write(std::string_view bytes) override {
    bytes_ += bytes;
    return {};
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace ssnap::archive
