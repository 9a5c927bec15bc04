// A member: one file of the archive, named relative to its root ("netns/4026531840/proc/net/tcp").
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace ssnap::archive {

enum class MemberType : std::uint8_t { file, symlink };

// What a reader hands out. The views are valid during the call only.
struct Member {
  std::string_view name;
  MemberType type = MemberType::file;
  std::string_view bytes;  // a file's content; a symlink's target
  bool cut = false;        // the input ended, or was damaged, inside the content: `bytes` holds what came before
  std::uint64_t frame_offset = 0;  // in the compressed file: where the frame with its header begins; 0 for directories
  // The string that holds `bytes`, where there is one: the visitor may move from it, to keep a large member without a copy.
  std::string* held = nullptr;
};

using MemberVisitor = std::function<void(const Member&)>;

// Host-made names (interfaces, files below /proc/net) become part of member names: every byte but
// [A-Za-z0-9._+:@,=-] turns into %XX, and so does a leading dot. `percent_unescape` reverses it.
std::string percent_escape(std::string_view host_name);
std::string percent_unescape(std::string_view escaped);

}  // namespace ssnap::archive
