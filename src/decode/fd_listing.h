// The fds of a process as `ls -l /proc/PID/fd` prints them, which some collectors keep in the place of the links.
#pragma once

#include <string_view>

#include "decode/link_list.h"

namespace ssnap::decode {

// Only numbers are taken for names, and what stands behind the first " -> " for the target; a newline in a target ends it.
// Lines of other kinds, but for that of the total, are problems.
base::Decoded<LinkRecord> decode_fd_listing(std::string_view bytes);

}  // namespace ssnap::decode
