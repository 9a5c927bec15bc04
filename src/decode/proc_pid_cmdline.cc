#include "decode/proc_pid.h"

namespace ssnap::decode {
namespace {

// A process can present a gigabyte of NULs as its arguments (PR_SET_MM_MAP), each of which costs us a string
// of 32 bytes. A command line of 2 MiB (the usual ARG_MAX) rarely has so many; from there on what is left is
// one argument.
constexpr std::size_t kMaxArguments = 131072;

}  // namespace

// python3\0-m\0http.server\0
std::vector<std::string> decode_proc_pid_cmdline(std::string_view bytes) {
  std::vector<std::string> arguments;
  while (!bytes.empty()) {
    const bool last = arguments.size() + 1 == kMaxArguments;
    const std::size_t end = last ? std::string_view::npos : bytes.find('\0');
    arguments.emplace_back(bytes.substr(0, end));
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
  }
  return arguments;
}

}  // namespace ssnap::decode
