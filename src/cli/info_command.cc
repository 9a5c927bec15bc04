// ssnap info: what is in a snapshot.
#include <string>

#include "cli/command.h"
#include "cli/input.h"
#include "pipeline/replay.h"
#include "render/info.h"

namespace ssnap::cli {

CommandHelp info_help() {
  return {"show what is in a snapshot: host, times, sources, coverage, gaps", "info SNAPSHOT",
          "SNAPSHOT is an archive of ssnap capture, - for standard input, or a directory.", {help_options()}, ""};
}

int run_info_command(const std::vector<std::string>& arguments) {
  const auto words = parse_words(arguments, "info", info_help);
  if (!words) return 0;
  if (words->size() != 1) throw base::Failure(base::ExitCode::usage, "which snapshot? ssnap info SNAPSHOT");
  const auto snapshot = pipeline::replay(open_input_confined(words->front()), {});
  if (snapshot.has_error()) fail(snapshot.error());
  print(render::render_info(*snapshot));
  if (!snapshot->capture.incomplete) return 0;
  say("the snapshot is incomplete: it was cut, or damaged");
  return static_cast<int>(base::ExitCode::incomplete);
}

}  // namespace ssnap::cli
