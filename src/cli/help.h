// What a command says about itself: one source for --help, the manual page and the completions of shells.
#pragma once

#include <boost/program_options.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ssnap::cli {

struct CommandHelp {
  std::string_view summary;   // one line, which `ssnap --help` lists
  std::string_view synopsis;  // what stands after "ssnap"; a line a form
  std::string_view text;      // paragraphs before the options, separated by empty lines
  std::vector<boost::program_options::options_description> options;  // in groups
  std::string_view after;     // paragraphs after the options
};

// One option as people type it.
struct OptionWords {
  std::string long_name;   // "netns"
  std::string short_name;  // "n", or ""
  std::string value;       // "NAME|INODE"; "" where it takes none
  std::string text;        // what it does
};
std::vector<OptionWords> option_words(const CommandHelp& help);

// `ssnap COMMAND --help`.
std::string help_text(std::string_view command, const CommandHelp& help);

}  // namespace ssnap::cli
