#include "cli/input.h"

#include <unistd.h>

#include <cerrno>

#include "sandbox/sandbox.h"

namespace ssnap::cli {
namespace {

bool is_root = false;  // asked while that is possible

}  // namespace

archive::Input open_input(const std::string& path) {
  is_root = ::geteuid() == 0;
  auto input = archive::open_input(path);
  if (input.has_error()) fail(input.error());
  return std::move(*input);
}

archive::Input open_input_confined(const std::string& path) {
  archive::Input input = open_input(path);
  sandbox::Keep keep;
  keep.inputs = {input.fd.get()};
  sandbox::enter(keep);
  return input;
}

void fail(const base::Error& error) {
  const bool is_root_refused = error.errno_number == EACCES && is_root;
  throw base::Failure(base::ExitCode::failed,
                      error.message + (is_root_refused ? "; a directory is read and written without root's rights over files of others" : ""));
}

}  // namespace ssnap::cli
