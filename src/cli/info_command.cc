// ssnap info: what is in a snapshot.
#include <string>

#include "cli/byte_order.h"
#include "cli/command.h"
#include "cli/input.h"
#include "pipeline/replay.h"
#include "render/info.h"

namespace po = boost::program_options;

namespace ssnap::cli {

CommandHelp info_help() {
  static std::string unused;
  po::options_description options = help_options();
  add_byte_order(options, unused);
  return {"show what is in a snapshot: host, times, sources, coverage, gaps", "info SNAPSHOT [OPTION]...",
          "SNAPSHOT is an archive of ssnap capture, - for standard input, or a directory.", {options}, ""};
}

int run_info_command(const std::vector<std::string>& arguments) {
  std::string byte_order;
  po::options_description further;
  add_byte_order(further, byte_order);
  const auto words = parse_words(arguments, "info", info_help, further);
  if (!words) return 0;
  if (words->size() != 1) throw base::Failure(base::ExitCode::usage, "which snapshot? ssnap info SNAPSHOT");
  reconstruct::Options options;
  options.byte_order = parse_byte_order(byte_order);
  const auto snapshot = pipeline::replay(open_input_confined(words->front()), options);
  if (snapshot.has_error()) fail(snapshot.error());
  tell_byte_order(*snapshot, words->front(), options.byte_order);
  print(render::render_info(*snapshot));
  if (!snapshot->capture.incomplete) return 0;
  say("the snapshot is incomplete: it was cut, or damaged");
  return static_cast<int>(base::ExitCode::incomplete);
}

}  // namespace ssnap::cli
