// What the commands share: parsing of options, and the two streams.
#include <unistd.h>

#include <cerrno>

#include "cli/command.h"
#include "render/escape.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

class Flag : public po::value_semantic {
 public:
  explicit Flag(bool& value) : value_(value) {}
  std::string name() const override { return ""; }
  unsigned min_tokens() const override { return 0; }
  unsigned max_tokens() const override { return 0; }
  bool is_composing() const override { return true; }
  bool is_required() const override { return false; }
  void parse(boost::any& store, const std::vector<std::string>&, bool) const override {
    store = store.empty() ? 1 : boost::any_cast<int>(store) + 1;
  }
  bool apply_default(boost::any&) const override { return false; }
  void notify(const boost::any& store) const override { value_ = !store.empty(); }

 private:
  bool& value_;
};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      if (fd == STDERR_FILENO) return;
      throw base::Failure(base::ExitCode::failed, base::errno_error("can't write to standard output", errno).message);
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

po::value_semantic* flag(bool& value) { return new Flag(value); }

po::variables_map parse_options(const std::vector<std::string>& arguments, const po::options_description& options,
                                const po::positional_options_description& words, std::string_view command) {
  po::variables_map values;
  try {
    // No guessing: a prefix that is unique today may mean something else tomorrow.
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(options).positional(words).style(style).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    throw base::Failure(base::ExitCode::usage, std::string(error.what()) + "; ssnap " + std::string(command) +
                                                   " --help lists the options");
  }
  return values;
}

po::options_description help_options() {
  static bool unused;
  po::options_description description("Options");
  description.add_options()("help,h", flag(unused), "this text");
  return description;
}

std::optional<std::vector<std::string>> parse_words(const std::vector<std::string>& arguments, std::string_view command, CommandHelp (*help)(),
                                                    const po::options_description& further) {
  std::vector<std::string> words;
  po::options_description everything = help_options();
  everything.add(further);
  everything.add_options()("words", po::value(&words));
  po::positional_options_description positions;
  positions.add("words", -1);
  const po::variables_map values = parse_options(arguments, everything, positions, command);
  if (values.count("help") == 0) return words;
  print(help_text(command, help()));
  return std::nullopt;
}

void print(std::string_view text) { write_all(STDOUT_FILENO, text); }

void print_error(std::string_view text) { write_all(STDERR_FILENO, text); }

void say(std::string_view message) {
  write_all(STDERR_FILENO, "ssnap: " + render::escape_terminal(message) + "\n");
}

}  // namespace ssnap::cli
