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

std::vector<archive::Input> open_inputs_confined(const std::vector<std::string>& paths) {
  std::vector<archive::Input> inputs;
  sandbox::Keep keep;
  for (const std::string& path : paths) {
    inputs.push_back(open_input(path));
    keep.inputs.push_back(inputs.back().fd.get());
  }
  sandbox::enter(keep);
  return inputs;
}

archive::Input open_input_confined(const std::string& path) { return std::move(open_inputs_confined({path}).front()); }

void fail(const base::Error& error) {
  const bool is_root_refused = error.errno_number == EACCES && is_root;
  throw base::Failure(base::ExitCode::failed,
                      error.message + (is_root_refused ? "; a directory is read and written without root's rights over files of others" : ""));
}

}  // namespace ssnap::cli
