// /proc/PID/mountinfo (show_mountinfo, fs/proc_namespace.c, since 2.6.26).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

// Octal escapes (\040 for a blank, ...) are undone in root, mount_point, fs_type and source.
struct MountRow {
  std::uint32_t mount_id = 0, parent_id = 0;
  std::uint32_t device_major = 0, device_minor = 0;
  std::string root;         // which part of the file system; of nsfs "net:[4026532208]"
  std::string mount_point;  // below the process's root
  std::string options;      // "rw,nosuid"
  std::string fs_type;
  std::string source;
  std::string super_options;
  std::uint64_t offset = 0;  // of the row, in the member
};

base::Decoded<MountRow> decode_mountinfo(std::string_view bytes);

// Of a bind-mounted network namespace its inode, else nullopt.
std::optional<std::uint64_t> netns_of_mount(const MountRow& row);

}  // namespace ssnap::decode
