// The host under study, as directories held open. Tests put a tree of their own in their place.
#pragma once

#include "archive/journal.h"
#include "base/fd.h"
#include "base/result.h"

namespace ssnap::capture {

struct Host {
  base::Fd root;  // "/": etc/passwd, ...
  base::Fd proc;  // a procfs
  // The numbers in `proc` are those that system calls of this process take.
  bool own_numbers = false;
  // `proc` is the collector's own and in no mount table: /proc as it is mounted is another view.
  bool detached = false;
  // Which procfs it is (source `procfs`); without a source: nothing to say.
  archive::JournalEntry procfs;
};

// The running host. Where the collector may, through a procfs of its own that is mounted nowhere (docs/adr/0009).
base::Result<Host> open_host();
base::Result<Host> open_host(const char* root, const char* proc);

}  // namespace ssnap::capture
