// Reads an archive, whole, cut or damaged, and hands out every member that can still be had.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/capture_info.h"
#include "archive/read_limits.h"
#include "archive/member.h"
#include "base/problem.h"
#include "base/result.h"

namespace ssnap::archive {

// A problem with the container: offsets are in the compressed file.
struct ReadReport {
  bool sealed = false;             // manifest and seal are there, in their place: nothing was cut off the end
  bool cut = false;                // the input ends before the archive does, or without a seal: the last problem says so
  std::uint64_t members = 0;       // handed out
  std::uint64_t member_bytes = 0;  // their uncompressed size
  base::Problems problems;         // damage, in the order of the file; a cut is the last
};

// True if the bytes begin like an archive of ours: a zstd frame.
bool looks_like_archive(std::string_view compressed);

// Decompresses frame by frame and calls `visit` for each member, in order. A damaged frame loses only what it holds:
// the reader goes on with the next frame. The limits end the reading, or cost the member that is beyond them, with a
// problem.
ReadReport read_archive(std::string_view compressed, const MemberVisitor& visit, const ReadLimits& limits = {});

}  // namespace ssnap::archive
