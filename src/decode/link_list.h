// `fds` and `links` of a process: the archive's own list of symlinks, NUL-terminated records "NAME MODE TARGET".
// docs/format.md specifies it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

// The views point into the input.
struct LinkRecord {
  std::string_view name;                 // "3", "exe", "ns/net"
  std::optional<std::uint32_t> mode;     // permission bits of the link, octal in the record; absent: "-", not asked
  std::optional<int> errno_number;       // "!13": the link could not be read; target is then empty
  std::string_view target;
  std::uint64_t offset = 0;
};

base::Decoded<LinkRecord> decode_link_list(std::string_view bytes);

// "socket:[1596]" -> 1596; "net:[4026531840]" with prefix "net" -> 4026531840; nullopt for anything else.
std::optional<std::uint64_t> inode_of_link(std::string_view target, std::string_view prefix);

}  // namespace ssnap::decode
