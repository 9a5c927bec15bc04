#include "capture/diag_handlers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>

#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;
// A distribution's modules.builtin has some 10 KB; /proc/modules some 20.
constexpr std::size_t kMaxModuleListBytes = 4 * 1024 * 1024;

// "ffffffff82094620 t udp_diag_dump\t[udp_diag]": the name up to a compiler's suffix.
std::string_view symbol_of(std::string_view line) {
  base::TextCursor cursor(line);
  cursor.word();
  cursor.word();
  const std::string_view name = cursor.word().value_or("");
  return name.substr(0, name.find('.'));
}

// What the functions have in their names, one or the other: only where it is found a line is looked at.
constexpr std::string_view kMarks[] = {"_diag_", "ctnetlink_dump_"};

bool has_mark(std::string_view symbol) {
  return std::any_of(std::begin(kMarks), std::end(kMarks), [&](std::string_view mark) { return symbol.find(mark) != std::string_view::npos; });
}

template <class Visit>
void for_each_line_with(std::string_view mark, std::string_view lines, const Visit& visit) {
  while (const void* found = ::memmem(lines.data(), lines.size(), mark.data(), mark.size())) {
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - lines.data());
    const std::size_t begin = lines.rfind('\n', at) + 1, end = lines.find('\n', at);
    visit(lines.substr(begin, end - begin));
    lines.remove_prefix(end + 1);
  }
}

// Calls `visit` with each whole line that has one of kMarks in it. Returns whether there is any line.
template <class Visit>
bool for_each_marked_line(int fd, const Visit& visit) {
  const auto buffer = std::make_unique<char[]>(kChunkBytes);
  std::size_t held = 0;
  bool any = false;
  for (;;) {
    const ssize_t got = ::read(fd, buffer.get() + held, kChunkBytes - held);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return any;
    const std::string_view text(buffer.get(), held + static_cast<std::size_t>(got));
    const std::size_t whole = text.rfind('\n') + 1;  // 0: not yet one line
    any |= whole > 0;
    for (const std::string_view mark : kMarks) for_each_line_with(mark, text.substr(0, whole), visit);
    held = text.size() - whole;
    if (held == kChunkBytes) held = 0;  // a line longer than the buffer is no symbol
    std::char_traits<char>::move(buffer.get(), text.data() + whole, held);
  }
}

bool lists_module(std::string_view text, std::string_view module) {
  base::LineReader lines(text);
  while (const auto line = lines.next()) {
    // /proc/modules: "tcp_diag 16384 0 - Live 0x0"; modules.builtin: "kernel/net/ipv4/tcp_diag.ko".
    std::string_view name = base::TextCursor(line->text).word().value_or("");
    if (const auto slash = name.rfind('/'); slash != std::string_view::npos) name.remove_prefix(slash + 1);
    name = name.substr(0, name.find(".ko"));
    if (name == module) return true;
  }
  return false;
}

}  // namespace

std::vector<Presence> find_diag_handlers(const Host& host, const std::vector<DiagHandler>& handlers,
                                         std::string_view kernel_release, archive::JournalEntry& entry) {
  entry.source = "diag_handlers";
  entry.begin_nsec = boottime_nsec();
  std::vector<Presence> found(handlers.size(), Presence::unknown);
  const base::Fd kallsyms(::openat(host.proc.get(), "kallsyms", O_RDONLY | O_CLOEXEC));
  for (const DiagHandler& handler : handlers) assert(handler.symbol.empty() || has_mark(handler.symbol));
  bool has_symbols = false;
  if (kallsyms) {
    has_symbols = for_each_marked_line(kallsyms.get(), [&](std::string_view line) {
      const std::string_view symbol = symbol_of(line);
      for (std::size_t i = 0; i < handlers.size(); ++i)
        if (handlers[i].symbol == symbol) found[i] = Presence::present;
    });
  }
  if (has_symbols) {
    for (auto& presence : found)
      if (presence == Presence::unknown) presence = Presence::absent;
    entry.detail = "kallsyms";
  } else {
    std::string modules, builtin;
    read_small_file(host.proc.get(), "modules", kMaxModuleListBytes, modules);
    const std::string path = "lib/modules/" + std::string(kernel_release) + "/modules.builtin";
    read_small_file(host.root.get(), path.c_str(), kMaxModuleListBytes, builtin);
    for (std::size_t i = 0; i < handlers.size(); ++i)
      if (lists_module(modules, handlers[i].module) || lists_module(builtin, handlers[i].module))
        found[i] = Presence::present;
    entry.detail = "no kallsyms: modules and modules.builtin";
  }
  entry.detail += ":";
  for (std::size_t i = 0; i < handlers.size(); ++i)
    if (!handlers[i].symbol.empty()) entry.detail += std::string(" ") + std::string(handlers[i].module) +
                    (found[i] == Presence::present ? " present" : found[i] == Presence::absent ? " absent" : " unknown");
  entry.end_nsec = boottime_nsec();
  return found;
}

}  // namespace ssnap::capture
