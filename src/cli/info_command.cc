// ssnap info: what is in a snapshot.
#include <sstream>
#include <string>

#include "cli/command.h"
#include "pipeline/replay.h"
#include "render/info.h"

namespace po = boost::program_options;

namespace ssnap::cli {

int run_info_command(const std::vector<std::string>& arguments) {
  bool help = false;
  std::vector<std::string> words;
  po::options_description description("Options"), hidden, everything;
  description.add_options()("help,h", flag(help), "this text");
  hidden.add_options()("words", po::value(&words));
  everything.add(description).add(hidden);
  po::positional_options_description positions;
  positions.add("words", -1);
  parse_options(arguments, everything, positions, "info");
  if (help) {
    std::ostringstream text;
    text << "ssnap info: what is in a snapshot: host, times, sources, coverage, gaps\n\n  ssnap info SNAPSHOT\n\n" << description;
    print(text.str());
    return 0;
  }
  if (words.size() != 1) throw base::Failure(base::ExitCode::usage, "which snapshot? ssnap info SNAPSHOT");
  const auto snapshot = pipeline::replay(words.front(), {});
  if (snapshot.has_error()) throw base::Failure(base::ExitCode::failed, snapshot.error().message);
  print(render::render_info(*snapshot));
  if (!snapshot->capture.incomplete) return 0;
  say("the snapshot is incomplete: it was cut, or damaged");
  return static_cast<int>(base::ExitCode::incomplete);
}

}  // namespace ssnap::cli
