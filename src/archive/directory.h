// Reads a directory as if it were an archive: an untarred one, the output of `extract`, or a plain copy of /proc.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "archive/member.h"
#include "archive/reader.h"

namespace ssnap::archive {

// Walks `path` in the order of names (numbers by value), never follows a symlink, opens only regular files for which
// `wanted` returns true (a live procfs holds files that block), and hands out symlinks as members with their target.
// Unreadable files are problems. Fails only where `path` itself can't be read.
base::Result<ReadReport> read_directory(const std::string& path,
                                        const std::function<bool(std::string_view name)>& wanted,
                                        const MemberVisitor& visit, const ReadLimits& limits = {});

}  // namespace ssnap::archive
