#include "decode/proc_pid_maps.h"

#include <algorithm>

#include "decode/link_list.h"
#include "decode/text_row.h"

namespace ssnap::decode {
namespace {

constexpr std::size_t kPermissions = 4;  // "rw-s"

// Two numbers around one byte: "7f1c2e200000-7f1c2e240000", "00:08".
template <class T>
std::optional<T> hex_pair(std::string_view field, char between) {
  const std::size_t at = field.find(between);
  if (at == std::string_view::npos) return std::nullopt;
  const auto first = base::parse_integer<T>(field.substr(0, at), 16);
  return first && base::parse_integer<T>(field.substr(at + 1), 16) ? first : std::nullopt;
}

// A mapping that is of interest.
struct Mapping {
  std::optional<std::uint64_t> socket_inode;
  bool io_uring = false;
};

// 7f9beacca000-7f9beacce000 rw-s 00000000 00:09 135096944                  socket:[135096944]
// 7f9beacdb000-7f9beacdc000 rw-s 00000000 00:10 135096934                  anon_inode:[io_uring]
// Paths of files begin with '/', so that no file can look like either.
void read_mapping(const base::Line& line, base::Decoded<Mapping>& decoded) {
  RowReader reader(line, decoded.problems);
  std::uint64_t ignored = 0, inode = 0;
  std::string_view permissions;
  if (!reader.take("an address range", ignored, [](auto field) { return hex_pair<std::uint64_t>(field, '-'); })) return;
  if (!reader.word("permissions", permissions)) return;
  if (permissions.size() != kPermissions) {
    reader.fail("permissions", permissions);
    return;
  }
  if (!reader.number("an offset", ignored, 16) ||
      !reader.take("major:minor", ignored, [](auto field) { return hex_pair<std::uint32_t>(field, ':'); }) ||
      !reader.number("an inode", inode))
    return;
  const auto path = reader.next();
  if (!path || reader.next()) return;  // none, or one with a blank
  const Mapping mapping{inode_of_link(*path, "socket"), *path == "anon_inode:[io_uring]"};
  if (mapping.socket_inode || mapping.io_uring) decoded.rows.push_back(mapping);
}

}  // namespace

ProcPidMaps decode_proc_pid_maps(std::string_view bytes) {
  auto decoded = decode_lines<Mapping>(bytes, {}, read_mapping);
  ProcPidMaps maps;
  maps.problems = std::move(decoded.problems);
  for (const Mapping& mapping : decoded.rows) {
    if (mapping.socket_inode) maps.socket_inodes.push_back(*mapping.socket_inode);
    maps.io_uring |= mapping.io_uring;
  }
  auto& inodes = maps.socket_inodes;
  std::sort(inodes.begin(), inodes.end());
  inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
  return maps;
}

}  // namespace ssnap::decode
