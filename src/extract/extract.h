// A snapshot -> a tree that is shaped like procfs, which ss, netstat and others can replay:
//
//   every member of the snapshot under its own name, so that the tree is a snapshot itself; and made from them
//   proc/net/...                                 hard links to netns/INODE/proc/net/... of one network namespace
//   proc/PID/{exe,cwd,root,fd/N,ns/KIND}         symlinks, of the records in `links` and `fds`; of threads likewise
//   ss/{all,listening,established}-{tcp,udp,tcp-udp}  the TCP and UDP dumps of that namespace, for TCPDIAG_FILE of ss
//
// Processes, threads and fds are made in descending order: a tmpfs lists the newest first, so that tools meet them as
// they would in procfs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "archive/reader.h"
#include "base/problem.h"
#include "base/result.h"
#include "extract/tree.h"

namespace ssnap::extract {

// Hands out every member, each time it is called.
using MemberSource = std::function<base::Result<archive::ReadReport>(const archive::MemberVisitor&)>;

struct Options {
  // Inode of the network namespace that proc/net and ss are of; absent: the collector's own.
  std::optional<std::uint64_t> netns;
};

struct Report {
  archive::ReadReport read;
  bool has_end = false;        // end.json is there: the capture was not cut
  bool is_archive = false;     // capture.json is there
  std::uint64_t files = 0, symlinks = 0;
  base::Problems left_out;     // what could not be made, each with its name; the offset is 0
};

// Fills `tree`. An Error where the source can't be read or the tree can't be written: what was made until then stays.
base::Result<Report> extract(const MemberSource& source, Tree& tree, const Options& options);

}  // namespace ssnap::extract
