#include <boost/version.hpp>
#include <zstd.h>

#include "archive/capture_info.h"
#include "cli/command.h"
#include "sandbox/sandbox.h"

namespace ssnap::cli {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"capture", capture_help, run_capture_command},
      {"analyze", analyze_help, run_analyze_command},
      {"diff", diff_help, run_diff_command},
      {"info", info_help, run_info_command},
      {"extract", extract_help, run_extract_command},
      {"verify", verify_help, run_verify_command},
      {"man", man_help, run_man_command},
      {"completion", completion_help, run_completion_command},
  };
  return kCommands;
}

std::string version_text() {
  std::string text = std::string("ssnap ") + kVersion + " (" + kCommit + ")\n";
  text += "archive format " + std::to_string(archive::kFormatVersion) + "; compiler " + __VERSION__ + ", zstd " +
          ZSTD_versionString() + ", Boost " + BOOST_LIB_VERSION + "\n";
  // Of this kernel, as far as it lets this process know.
  text += "sandbox: " + sandbox::describe() + "\n";
  return text;
}

}  // namespace ssnap::cli
