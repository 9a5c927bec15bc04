// argv -> command table -> run(). The only catch, and the only place that makes exit codes of errors.
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "cli/command.h"

namespace {

using ssnap::base::ExitCode;

std::string usage_text() {
  std::string text =
      "ssnap: which sockets existed on a Linux host, in which state, and which processes held them\n"
      "\n"
      "  ssnap COMMAND [OPTION]...\n"
      "\n";
  for (const auto& command : ssnap::cli::commands()) {
    std::string name(command.name);
    name.resize(12, ' ');
    text += "  " + name + std::string(command.help().summary) + "\n";
  }
  text +=
      "\n"
      "  ssnap COMMAND --help   the options of a command\n"
      "  ssnap --version        version, commit, build, sandbox\n"
      "\n"
      "Exit codes: 0 done; 1 failed; 2 usage; 3 incomplete: the capture has gaps, or the archive is cut;\n"
      "4 altered (verify); 5 not as expected (analyze --expect, diff --exit-code); 128+N ended by signal N, with a sealed archive.\n";
  return text;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    ssnap::cli::say("which command? ssnap --help lists them");
    return static_cast<int>(ExitCode::usage);
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") return ssnap::cli::print(usage_text()), 0;
  if (name == "--version" || name == "-V") return ssnap::cli::print(ssnap::cli::version_text()), 0;
  for (const auto& command : ssnap::cli::commands())
    if (command.name == name) return command.run({arguments.begin() + 1, arguments.end()});
  ssnap::cli::say("there is no command '" + name + "'; ssnap --help lists them");
  return static_cast<int>(ExitCode::usage);
}

}  // namespace

// In place of libstdc++'s, of the same name, which brings a demangler of 47 KB along to say the type of an exception that
// nobody caught (one in a thread).
namespace __gnu_cxx {
void __verbose_terminate_handler() {
  try {
    if (std::current_exception()) throw;
    ssnap::cli::say("internal error: terminated");
  } catch (const std::exception& error) {
    ssnap::cli::say(std::string("internal error: ") + error.what());
  } catch (...) {
    ssnap::cli::say("internal error");
  }
  std::abort();
}
}  // namespace __gnu_cxx

int main(int argc, char** argv) {
  try {
    return run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const ssnap::base::Failure& failure) {
    ssnap::cli::say(failure.what());
    return static_cast<int>(failure.code());
  } catch (const std::exception& error) {
    ssnap::cli::say(std::string("internal error: ") + error.what());
    return static_cast<int>(ExitCode::failed);
  }
}
