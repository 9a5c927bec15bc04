// POSIX ustar headers, and the extensions of it that tar programs write: pax records, GNU long names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ssnap::archive {

constexpr std::size_t kTarBlockBytes = 512;
constexpr std::uint64_t kMaxUstarBytes = 077777777777;  // eleven octal digits: 8 GiB - 1

// Bytes of zeros that fill `size` up to whole blocks.
constexpr std::uint64_t tar_padding(std::uint64_t size) {
  return (kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes;
}

// What is wrong with a member's name ("is absolute"), or nullopt: relative, no empty, `.` or `..` component, no control
// byte, at most kMaxNameBytes. A name that passes can't leave the folder that it is unpacked in.
std::optional<std::string_view> name_fault(std::string_view name);

// The header of a regular file of mode 0600: 512 bytes, or more where the name needs a pax record before it. `size`
// is at most kMaxUstarBytes; a negative time counts as 0.
std::string tar_header(std::string_view name, std::uint64_t size, std::int64_t mtime_sec);

// The fields of one header that a reader needs. The views point into the block.
struct TarHeader {
  std::string_view name, prefix, link;
  std::uint64_t size = 0;
  char type = '0';

  std::string full_name() const;
};

// An Error says which field is wrong.
base::Result<TarHeader> parse_tar_header(std::string_view block);

// The records of a pax extended header that matter here, with the views into it.
struct PaxRecords {
  std::optional<std::string_view> path, linkpath;
  std::optional<std::uint64_t> size;
  bool sparse = false;  // GNU.sparse.*: the content isn't the file's
};

// "30 path=proc/1/a-long-name\n"... An Error where the records don't tile the bytes, or a size isn't a number.
base::Result<PaxRecords> parse_pax(std::string_view bytes);

}  // namespace ssnap::archive
