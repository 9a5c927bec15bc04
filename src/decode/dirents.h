// A directory as getdents64 returned it: struct linux_dirent64 records (include/linux/dirent.h), back to back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/byte_reader.h"
#include "base/problem.h"

namespace ssnap::decode {

// The view points into the input.
struct Dirent {
  std::string_view name;  // bytes
  std::uint64_t inode = 0;
  std::uint8_t type = 0;  // DT_*: 4 a directory, 10 a link, 0 unknown
  std::uint64_t offset = 0;       // of the record, in the member
  std::uint16_t record_bytes = 0; // d_reclen
  // d_reclen is what the kernel makes of a name of this length: header, name and NUL, rounded up to 8 (filldir64,
  // fs/readdir.c, all versions). Where it is more, the record reaches over something: the way to swallow the next one.
  bool canonical = true;
};
constexpr std::uint8_t kDirentDirectory = 4;  // DT_DIR

// Records up to the first that can't be one; what is behind it is a problem.
base::Decoded<Dirent> decode_dirents(std::string_view bytes, base::ByteOrder order);

}  // namespace ssnap::decode
