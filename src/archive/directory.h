// Reads a directory as if it were an archive: an untarred one, the output of `extract`, or a plain copy of /proc.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "archive/input.h"
#include "archive/member.h"
#include "archive/reader.h"

namespace ssnap::archive {

// Walks the directory `input` in the order of names (numbers by value), never follows a symlink, opens only regular files for which
// `wanted` returns true (a live procfs holds files that block), and hands out symlinks as members with their target.
// Unreadable files are problems. Fails only where the directory itself can't be read.
base::Result<ReadReport> read_directory(const Input& input,
                                        const std::function<bool(std::string_view name)>& wanted,
                                        const MemberVisitor& visit, const ReadLimits& limits = {});

}  // namespace ssnap::archive
