// SNAPSHOT of the command line. Opening it is apart from reading, so that a command can give up its rights in between.
#pragma once

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ssnap::archive {

struct Input {
  std::string name;              // for messages: the path, or "standard input"
  base::Fd fd;
  bool is_directory = false;
  std::uint64_t size_bytes = 0;  // of a regular file, when it was opened: a hint only; 0 for all else
};

// A file, a pipe or a directory, or standard input for "-"; a FIFO is waited for. An Error names it.
base::Result<Input> open_input(const std::string& path);

// All that can be read of it, from where it stands.
base::Result<std::string> read_input(const Input& input);

}  // namespace ssnap::archive
