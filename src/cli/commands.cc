#include <boost/version.hpp>
#include <zstd.h>

#include "archive/capture_info.h"
#include "cli/command.h"

namespace ssnap::cli {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"capture", "take a snapshot of this host's sockets and processes into an archive", run_capture_command},
      {"analyze", "show the sockets of a snapshot, their states and who holds them", run_analyze_command},
      {"info", "show what is in a snapshot: host, times, sources, coverage, gaps", run_info_command},
      {"verify", "check that a snapshot is whole and is what was captured", run_verify_command},
  };
  return kCommands;
}

std::string version_text() {
  std::string text = std::string("ssnap ") + kVersion + " (" + kCommit + ")\n";
  text += "archive format " + std::to_string(archive::kFormatVersion) + "; compiler " + __VERSION__ + ", zstd " +
          ZSTD_versionString() + ", Boost " + BOOST_LIB_VERSION + "\n";
  return text;
}

}  // namespace ssnap::cli
