// Completions for shells, from what the commands say about themselves.
#include <algorithm>

#include "cli/command.h"

namespace ssnap::cli {
namespace {

// The words that a value may be: "all|self" gives "all self". Names in capitals stand for something else.
std::string choices(const std::string& value) {
  std::string out;
  for (std::size_t at = 0; at <= value.size();) {
    const auto end = std::min(value.find('|', at), value.size());
    const std::string word = value.substr(at, end - at);
    bool literal = !word.empty();
    for (const char c : word) literal = literal && ((c >= 'a' && c <= 'z') || c == '-' || (c >= '0' && c <= '9'));
    if (literal) out += (out.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return out;
}

// For a string in single quotes of any of the three shells: descriptions have no need of a quote.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') out += "\xe2\x80\x99";  // a typographic one
    else if (c == '\\' || c == '\n') out += ' ';
    else out += c;
  }
  return out;
}

std::string bash(std::span<const Command> commands) {
  std::string names;
  for (const auto& command : commands) names += (names.empty() ? "" : " ") + std::string(command.name);
  std::string out =
      "# bash completion for ssnap: source it, or put it into bash-completion's folder.\n"
      "_ssnap() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '" + names + " --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const Command& command : commands) {
    const CommandHelp help = command.help();
    std::string list, values;
    for (const auto& option : option_words(help)) {
      if (!option.long_name.empty()) list += (list.empty() ? "--" : " --") + option.long_name;
      const std::string words = choices(option.value);
      if (words.empty()) continue;
      if (!option.long_name.empty())
        values += "        --" + option.long_name + ") COMPREPLY=($(compgen -W '" + words + "' -- \"$word\")); return ;;\n";
    }
    out += "    " + std::string(command.name) + ")\n";
    if (!values.empty()) out += "      case $before in\n" + values + "      esac\n";
    out += "      options='" + list + "' ;;\n";
  }
  out +=
      "  esac\n"
      "  case $word in\n"
      "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
      "  esac\n"
      "}\n"
      "complete -o filenames -F _ssnap ssnap\n";
  return out;
}

// Within _arguments' specifications a colon and a bracket mean something.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : plain(text)) {
    if (c == ':' || c == '[' || c == ']') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh(std::span<const Command> commands) {
  std::string out =
      "#compdef ssnap\n"
      "_ssnap() {\n"
      "  if (( CURRENT == 2 )); then\n"
      "    local -a commands=(\n";
  for (const auto& command : commands)
    out += "      '" + std::string(command.name) + ":" + zsh_text(command.help().summary) + "'\n";
  out +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const Command& command : commands) {
    const CommandHelp help = command.help();
    out += "    " + std::string(command.name) + ")\n      _arguments -s \\\n";
    for (const auto& option : option_words(help)) {
      const std::string words = choices(option.value);
      const std::string action = option.value.empty() ? ""
                                 : !words.empty()     ? ":" + zsh_text(option.value) + ":(" + words + ")"
                                                      : ":" + zsh_text(option.value) + ":_files";
      const std::string text = "[" + zsh_text(option.text) + "]" + action + "' \\\n";
      if (!option.short_name.empty()) out += "        '*-" + option.short_name + text;
      if (!option.long_name.empty())
        out += "        '*--" + option.long_name + (option.value.empty() ? "" : "=") + text;
    }
    out += "        '*:file:_files' ;;\n";
  }
  return out + "  esac\n}\n_ssnap \"$@\"\n";
}

std::string fish(std::span<const Command> commands) {
  std::string out = "# fish completion for ssnap\n";
  for (const Command& command : commands) {
    const CommandHelp help = command.help();
    out += "complete -c ssnap -n __fish_use_subcommand -f -a " + std::string(command.name) + " -d '" + plain(help.summary) + "'\n";
    for (const auto& option : option_words(help)) {
      out += "complete -c ssnap -n '__fish_seen_subcommand_from " + std::string(command.name) + "'";
      if (!option.short_name.empty()) out += " -s '" + option.short_name + "'";
      if (!option.long_name.empty()) out += " -l '" + option.long_name + "'";
      if (!option.value.empty()) out += " -r";
      if (const std::string words = choices(option.value); !words.empty()) out += " -f -a '" + words + "'";
      out += " -d '" + plain(option.text) + "'\n";
    }
  }
  return out;
}

constexpr struct {
  std::string_view shell;
  std::string (*script)(std::span<const Command>);
} kShells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

}  // namespace

CommandHelp completion_help() {
  return {"print a script that completes ssnap's words in a shell", "completion bash|zsh|fish",
          "  bash   source <(ssnap completion bash)\n"
          "  zsh    ssnap completion zsh > _ssnap, in a folder of fpath\n"
          "  fish   ssnap completion fish > ~/.config/fish/completions/ssnap.fish",
          {help_options()}, ""};
}

int run_completion_command(const std::vector<std::string>& arguments) {
  const auto words = parse_words(arguments, "completion", completion_help);
  if (!words) return 0;
  for (const auto& row : kShells)
    if (words->size() == 1 && words->front() == row.shell) return print(row.script(commands())), 0;
  throw base::Failure(base::ExitCode::usage, "for which shell? ssnap completion bash, zsh or fish");
}

}  // namespace ssnap::cli
