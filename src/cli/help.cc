#include "cli/help.h"

#include <algorithm>
#include <sstream>

namespace po = boost::program_options;

namespace ssnap::cli {

std::vector<OptionWords> option_words(const CommandHelp& help) {
  std::vector<OptionWords> words;
  for (const auto& group : help.options) {
    for (const auto& option : group.options()) {
      OptionWords one;
      one.long_name = option->long_name();
      // "-t", "--tcp": the form with a dash is the short one if there is any.
      const std::string shortest = option->canonical_display_name(po::command_line_style::allow_dash_for_short);
      if (shortest.size() == 2 && shortest[0] == '-') one.short_name = shortest.substr(1);
      if (one.long_name == one.short_name) one.long_name.clear();
      if (option->semantic()->max_tokens() > 0) {
        one.value = option->semantic()->name();
        if (one.value.empty()) one.value = "VALUE";
        // program_options adds the default: "FORMAT (=table)".
        one.value = one.value.substr(0, one.value.find(" (="));
      }
      one.text = option->description();
      words.push_back(std::move(one));
    }
  }
  return words;
}

std::string help_text(std::string_view command, const CommandHelp& help) {
  std::ostringstream out;
  out << "ssnap " << command << ": " << help.summary << "\n\n";
  for (std::size_t at = 0; at < help.synopsis.size();) {
    const auto end = std::min(help.synopsis.find('\n', at), help.synopsis.size());
    out << "  ssnap " << help.synopsis.substr(at, end - at) << '\n';
    at = end + 1;
  }
  out << '\n';
  if (!help.text.empty()) out << help.text << "\n\n";
  bool first = true;
  for (const auto& group : help.options) {
    if (!first) out << '\n';
    first = false;
    out << group;
  }
  if (!help.after.empty()) out << '\n' << help.after << '\n';
  return out.str();
}

}  // namespace ssnap::cli
