#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace ssnap::cli {

render::Style terminal_style() {
  render::Style style;
  if (!::isatty(STDOUT_FILENO)) return style;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  const char* terminal = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = terminal != nullptr && std::string_view(terminal) != "dumb" && (no_colour == nullptr || *no_colour == '\0');
  return style;
}

}  // namespace ssnap::cli
