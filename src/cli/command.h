// The commands: one file each, listed in one table.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options.hpp>

#include "base/error.h"
#include "cli/help.h"

namespace ssnap::cli {

struct Command {
  std::string_view name;
  CommandHelp (*help)();
  // `arguments`: what came after the command's name. Returns the exit code; throws base::Failure.
  int (*run)(const std::vector<std::string>& arguments);
};

std::span<const Command> commands();

CommandHelp capture_help();
CommandHelp analyze_help();
CommandHelp diff_help();
CommandHelp info_help();
CommandHelp extract_help();
CommandHelp verify_help();
CommandHelp man_help();
CommandHelp completion_help();
int run_capture_command(const std::vector<std::string>& arguments);
int run_analyze_command(const std::vector<std::string>& arguments);
int run_diff_command(const std::vector<std::string>& arguments);
int run_info_command(const std::vector<std::string>& arguments);
int run_verify_command(const std::vector<std::string>& arguments);
int run_man_command(const std::vector<std::string>& arguments);
int run_completion_command(const std::vector<std::string>& arguments);
int run_extract_command(const std::vector<std::string>& arguments);

// "ssnap 0.1.0 (0123456789ab)", and what it was built with.
std::string version_text();
extern const char* const kVersion;
extern const char* const kCommit;

// Parses with sticky short options (-lntp). Throws Failure(usage) that names the option and where to read more.
boost::program_options::variables_map parse_options(const std::vector<std::string>& arguments,
                                                    const boost::program_options::options_description& options,
                                                    const boost::program_options::positional_options_description& words,
                                                    std::string_view command);

// For a command that has words, --help and few `further` options: its words; nullopt where --help was asked for, and printed.
std::optional<std::vector<std::string>> parse_words(const std::vector<std::string>& arguments, std::string_view command, CommandHelp (*help)(),
                                                    const boost::program_options::options_description& further = {});
// The option that each of these has.
boost::program_options::options_description help_options();

// A switch that may be given more than once (-n -n), as in ss; its value in the map is how often, an int.
boost::program_options::value_semantic* flag(bool& value);

// All of `text` to standard output; throws Failure where it can't be written.
void print(std::string_view text);
// The same to standard error, where nothing can be done about a failure.
void print_error(std::string_view text);
// One line to standard error, after "ssnap: ".
void say(std::string_view message);

}  // namespace ssnap::cli
