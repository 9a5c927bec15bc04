// The host under study, as directories held open. Tests put a tree of their own in their place.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace ssnap::capture {

struct Host {
  base::Fd root;  // "/": etc/passwd, ...
  base::Fd proc;  // "/proc"
};

base::Result<Host> open_host(const char* root = "/", const char* proc = "/proc");

}  // namespace ssnap::capture
