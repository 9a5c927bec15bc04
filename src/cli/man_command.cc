// ssnap(1), from what the commands say about themselves.
#include <algorithm>

#include "cli/command.h"

namespace ssnap::cli {
namespace {

// Text of ours in roff: a backslash and a dash mean something there, and so does a dot or quote that begins a line.
std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out;
}

// Paragraphs; one whose lines are indented keeps its lines.
void append_paragraphs(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find("\n\n"), text.size());
    const std::string_view paragraph = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (paragraph.empty()) continue;
    const bool literal = paragraph.front() == ' ';
    out += ".PP\n";
    if (literal) out += ".nf\n";
    out += roff(paragraph) + '\n';
    if (literal) out += ".fi\n";
  }
}

void append_options(std::string& out, const CommandHelp& help) {
  for (const OptionWords& option : option_words(help)) {
    out += ".TP\n";
    std::string names;
    if (!option.short_name.empty()) names += "\\fB\\-" + roff(option.short_name) + "\\fR";
    if (!option.long_name.empty()) names += (names.empty() ? "" : ", ") + ("\\fB\\-\\-" + roff(option.long_name)) + "\\fR";
    if (!option.value.empty()) names += " \\fI" + roff(option.value) + "\\fR";
    out += names + '\n' + roff(option.text) + '\n';
  }
}

std::string manual_page(std::span<const Command> commands) {
  std::string out = ".TH SSNAP 1 \"\" \"ssnap " + std::string(kVersion) + "\"\n";
  out +=
      ".SH NAME\n"
      "ssnap \\- which sockets existed on a Linux host, in which state, and which processes held them\n"
      ".SH SYNOPSIS\n";
  for (const Command& command : commands) {
    const CommandHelp help = command.help();
    for (std::size_t at = 0; at < help.synopsis.size();) {
      const auto end = std::min(help.synopsis.find('\n', at), help.synopsis.size());
      out += ".B ssnap\n" + roff(help.synopsis.substr(at, end - at)) + "\n.br\n";
      at = end + 1;
    }
  }
  out +=
      ".SH DESCRIPTION\n"
      "\\fBssnap capture\\fR takes the kernel's own account of a host's sockets, and of who holds them, into one compressed\n"
      "archive. The other commands read that archive, on any machine.\n";
  for (const Command& command : commands) {
    const CommandHelp help = command.help();
    std::string title = "ssnap " + std::string(command.name);
    for (char& c : title) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    out += ".SH " + title + '\n' + roff(help.summary) + '\n';
    append_paragraphs(out, help.text);
    append_options(out, help);
    append_paragraphs(out, help.after);
  }
  out +=
      ".SH SAFETY\n"
      "Before they read the first byte of a snapshot, the commands give up all rights that reading doesn't take: by seccomp, by\n"
      "Landlock, and all capabilities. Root becomes nobody once an archive or standard input is open. Where a directory is\n"
      "read, and for \\fBextract\\fR, root keeps its uid without root's rights over files of others. \\fBssnap \\-\\-version\\fR\n"
      "says what this kernel offers.\n"
      ".SH EXIT STATUS\n"
      ".TP\n.B 0\ndone\n"
      ".TP\n.B 1\nfailed, nothing usable\n"
      ".TP\n.B 2\nusage\n"
      ".TP\n.B 3\nincomplete: the capture has gaps, or the archive is cut or unsealed\n"
      ".TP\n.B 4\nverification failed: something was altered\n"
      ".TP\n.B 5\nnot as expected: analyze \\-\\-expect, diff \\-\\-exit\\-code\n"
      ".TP\n.B 128+N\nended by signal N, with a sealed archive\n"
      ".SH SEE ALSO\n"
      ".BR ss (8),\n.BR netstat (8),\n.BR lsof (8),\n.BR proc (5),\n.BR sock_diag (7)\n";
  return out;
}

}  // namespace

CommandHelp man_help() {
  return {"print the manual page, ssnap(1)", "man", "A page in roff, made of what --help says of each command: ssnap man | man -l -", {help_options()}, ""};
}

int run_man_command(const std::vector<std::string>& arguments) {
  const auto words = parse_words(arguments, "man", man_help);
  if (!words) return 0;
  if (!words->empty()) throw base::Failure(base::ExitCode::usage, "ssnap man takes no further word");
  print(manual_page(commands()));
  return 0;
}

}  // namespace ssnap::cli
