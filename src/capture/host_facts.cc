#include "capture/host_facts.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <memory>

#include "base/sha256.h"
#include "base/text_cursor.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/proc_pid.h"

namespace ssnap::capture {
namespace {

constexpr std::size_t kMaxFactBytes = 4096;
// /proc/self/status has some 1.5 KB, more with many groups.
constexpr std::size_t kMaxStatusBytes = 64 * 1024;

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

// 0, or the errno that ended it.
int own_sha256(const Host& host, std::optional<std::string>& hex) {
  const base::Fd exe(::openat(host.proc.get(), "self/exe", O_RDONLY | O_CLOEXEC));
  if (!exe) return errno;
  constexpr std::size_t kChunkBytes = 256 * 1024;
  const auto buffer = std::make_unique<char[]>(kChunkBytes);
  base::Sha256 hash;
  for (;;) {
    const ssize_t got = ::read(exe.get(), buffer.get(), kChunkBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    hash.update({buffer.get(), static_cast<std::size_t>(got)});
  }
  hex = hash.hex();
  return 0;
}

// Reads small facts, and keeps on record which could not be had.
class Facts {
 public:
  explicit Facts(const Host& host) : host_(host) {
    about_.source = "collector";
    about_.begin_nsec = boottime_nsec();
  }

  int proc() const { return host_.proc.get(); }

  std::string text(int directory, const char* path, std::size_t max_bytes = kMaxFactBytes) {
    std::string bytes;
    note(path, read_small_file(directory, path, max_bytes, bytes));
    return bytes;
  }

  std::optional<std::string> first_line(int directory, const char* path) {
    std::string bytes = text(directory, path);
    bytes.resize(std::min(bytes.find('\n'), bytes.size()));
    if (bytes.empty()) return std::nullopt;
    return bytes;
  }

  // A number whose largest value of 32 bits stands for none: loginuid, sessionid.
  std::optional<std::uint64_t> id(const char* path) {
    const auto number = base::parse_integer<std::uint32_t>(first_line(proc(), path).value_or(""));
    if (!number || *number == 0xffffffff) return std::nullopt;
    return *number;
  }

  std::optional<std::string> link(const char* path) {
    std::string target;
    if (!note(path, read_link(proc(), path, target))) return std::nullopt;
    return target;
  }

  // True for an errno of 0. What isn't there (ENOENT) is a thing that this kernel or host doesn't have: simply absent.
  bool note(const char* what, int error) {
    if (error == 0 || error == ENOENT) return error == 0;
    archive::JournalEntry entry = about_;
    entry.outcome = base::outcome_of_errno(error);
    entry.errno_number = error;
    entry.detail = what;
    entry.end_nsec = boottime_nsec();
    entries_.push_back(std::move(entry));
    return false;
  }

  std::vector<archive::JournalEntry> end() {
    about_.end_nsec = boottime_nsec();
    about_.detail = "who collects, on which host: capture.json";
    entries_.push_back(about_);
    return std::move(entries_);
  }

 private:
  const Host& host_;
  archive::JournalEntry about_;
  std::vector<archive::JournalEntry> entries_;
};

void collect_collector(Facts& facts, archive::CaptureInfo::Collector& collector) {
  collector.pid = ::getpid();
  collector.uid = ::getuid();
  collector.euid = ::geteuid();
  collector.gid = ::getgid();
  collector.egid = ::getegid();
  const std::string status = facts.text(facts.proc(), "self/status", kMaxStatusBytes);
  collector.capabilities_effective = status_field(status, "CapEff");
  collector.capabilities_permitted = status_field(status, "CapPrm");
  collector.capabilities_bounding = status_field(status, "CapBnd");
  collector.login_uid = facts.id("self/loginuid");
  collector.audit_session = facts.id("self/sessionid");
  if (const auto stat = decode::decode_proc_pid_stat(facts.text(facts.proc(), "self/stat")); stat.has_value()) {
    collector.parent = stat->ppid;
    collector.session = stat->session;
    if (stat->tty_nr > 0) collector.terminal = stat->tty_nr;
  }
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
    const auto target = facts.link((std::string("self/ns/") + name).c_str());
    if (!target) continue;
    const auto open = target->find('['), close = target->rfind(']');
    if (open == std::string::npos || close == std::string::npos || close < open) continue;
    const auto inode = base::parse_integer<std::uint64_t>(std::string_view(*target).substr(open + 1, close - open - 1));
    if (inode) collector.namespaces[name] = *inode;
  }
}

}  // namespace

std::vector<archive::JournalEntry> collect_host_facts(const Host& host, archive::CaptureInfo& info) {
  Facts facts(host);
  info.clocks = read_clocks();
  info.clock_sync = read_clock_sync();
  if (!info.clock_sync) facts.note("adjtimex: whether the clock is synchronized", errno);
  facts.note("self/exe: the collector's own hash", own_sha256(host, info.tool.sha256));
  info.tool.executable = facts.link("self/exe");
  collect_collector(facts, info.collector);

  utsname names{};
  if (::uname(&names) == 0) {
    info.host.nodename = names.nodename;
    info.host.kernel = names.release;
    info.host.kernel_version = names.version;
    info.host.machine = names.machine;
  }
  info.host.machine_id = facts.first_line(host.root.get(), "etc/machine-id");
  info.host.boot_id = facts.first_line(host.proc.get(), "sys/kernel/random/boot_id");
  info.host.byte_order =
      std::endian::native == std::endian::little ? base::ByteOrder::little : base::ByteOrder::big;
  info.host.word_bits = sizeof(long) * 8;
  info.host.clk_tck = ::sysconf(_SC_CLK_TCK);
  info.host.page_size_bytes = ::sysconf(_SC_PAGESIZE);
  return facts.end();
}

}  // namespace ssnap::capture
