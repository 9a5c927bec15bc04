#include "capture/host_facts.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "base/sha256.h"
#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

constexpr std::size_t kMaxFactBytes = 4096;
// /proc/self/status has some 1.5 KB, more with many groups.
constexpr std::size_t kMaxStatusBytes = 64 * 1024;

std::optional<std::string> first_line(int directory, const char* path) {
  std::string text;
  if (read_small_file(directory, path, kMaxFactBytes, text) != 0) return std::nullopt;
  text.resize(std::min(text.find('\n'), text.size()));
  if (text.empty()) return std::nullopt;
  return text;
}

// The value of "Name:\tvalue" in /proc/self/status.
std::optional<std::string> status_field(std::string_view status, std::string_view name) {
  base::LineReader lines(status);
  while (const auto line = lines.next()) {
    if (!line->text.starts_with(name) || line->text.substr(name.size(), 1) != ":") continue;
    base::TextCursor cursor(line->text.substr(name.size() + 1));
    if (const auto word = cursor.word()) return std::string(*word);
  }
  return std::nullopt;
}

std::optional<std::string> own_sha256(const Host& host) {
  const base::Fd exe(::openat(host.proc.get(), "self/exe", O_RDONLY | O_CLOEXEC));
  if (!exe) return std::nullopt;
  constexpr std::size_t kChunkBytes = 256 * 1024;
  const auto buffer = std::make_unique<char[]>(kChunkBytes);
  base::Sha256 hash;
  for (;;) {
    const ssize_t got = ::read(exe.get(), buffer.get(), kChunkBytes);
    if (got < 0) return std::nullopt;
    if (got == 0) return hash.hex();
    hash.update({buffer.get(), static_cast<std::size_t>(got)});
  }
}

}  // namespace

void collect_host_facts(const Host& host, archive::CaptureInfo& info) {
  info.clocks = read_clocks();
  info.tool.sha256 = own_sha256(host);

  auto& collector = info.collector;
  collector.pid = ::getpid();
  collector.uid = ::getuid();
  collector.euid = ::geteuid();
  collector.gid = ::getgid();
  collector.egid = ::getegid();
  std::string text;
  if (read_small_file(host.proc.get(), "self/status", kMaxStatusBytes, text) == 0)
    collector.capabilities_effective = status_field(text, "CapEff");
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
    std::string target;
    if (read_link(host.proc.get(), (std::string("self/ns/") + name).c_str(), target) != 0) continue;
    const auto open = target.find('['), close = target.rfind(']');
    if (open == std::string::npos || close == std::string::npos || close < open) continue;
    const auto inode = base::parse_integer<std::uint64_t>(std::string_view(target).substr(open + 1, close - open - 1));
    if (inode) collector.namespaces[name] = *inode;
  }

  utsname names{};
  if (::uname(&names) == 0) {
    info.host.nodename = names.nodename;
    info.host.kernel = names.release;
    info.host.kernel_version = names.version;
    info.host.machine = names.machine;
  }
  info.host.machine_id = first_line(host.root.get(), "etc/machine-id");
  info.host.boot_id = first_line(host.proc.get(), "sys/kernel/random/boot_id");
  info.host.byte_order =
      std::endian::native == std::endian::little ? base::ByteOrder::little : base::ByteOrder::big;
  info.host.word_bits = sizeof(long) * 8;
  info.host.clk_tck = ::sysconf(_SC_CLK_TCK);
  info.host.page_size_bytes = ::sysconf(_SC_PAGESIZE);
}

}  // namespace ssnap::capture
