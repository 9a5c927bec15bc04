// A member of `exe-hashes`: the collector's own record of one executable file and of the processes that ran it.
// docs/format.md specifies it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

// One process that ran the file. The views point into the input.
struct ExeHashRow {
  std::string_view sha256;  // 64 lower-case hexadecimal digits, of the file's bytes
  std::int64_t pid = 0;
  std::uint64_t start_ticks = 0;  // field 22 of its stat; 0: not known
  std::string_view target;        // of its `exe` link when the file was looked at
  std::uint64_t offset = 0;       // of the record
};

// Records ended by NUL: "file SHA256 BYTES MAJOR:MINOR INODE MTIME", then "process PID START TARGET" of each process. A
// process before any file is a problem; records of other kinds are passed over.
base::Decoded<ExeHashRow> decode_exe_hashes(std::string_view bytes);

}  // namespace ssnap::decode
