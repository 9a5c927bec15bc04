#include "capture/proc_net.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "archive/member.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

// The kernel's own nests two deep (rpc/nfsd.export/content, netfilter/...).
constexpr int kMaxDepth = 6;

// Below /proc. `thread-self` is the namespace that the reading thread has entered; `self` would be its process's.
constexpr std::string_view kNetPath = "thread-self/net";
// Before Linux 3.17 there is no thread-self; such a kernel is read in the collector's own namespace only.
constexpr std::string_view kOldNetPath = "self/net";

// Absent ones are recorded as vanished.
constexpr const char* kSysctls[] = {
    "net/core/somaxconn",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/icmp_echo_ignore_all",
    "net/ipv4/ip_forward",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_local_reserved_ports",
    "net/ipv4/ip_nonlocal_bind",
    "net/ipv4/ip_unprivileged_port_start",
    "net/ipv4/ping_group_range",
    "net/ipv4/tcp_fin_timeout",
    "net/ipv4/tcp_max_syn_backlog",
    "net/ipv4/tcp_syncookies",
    "net/ipv6/bindv6only",
    "net/ipv6/conf/all/disable_ipv6",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/ip_nonlocal_bind",
    "net/mptcp/enabled",
    "net/unix/max_dgram_qlen",
};

// Read first where files are shared among readers: they take longest.
constexpr std::array<std::string_view, 7> kSlowFiles{"tcp", "tcp6", "udp", "udp6", "unix", "nf_conntrack", "route"};

// True for what changes something on the host by being opened.
// net/sunrpc/cache.c, cache_open(): a reader of .../channel counts as the daemon that answers the kernel's questions,
// so that the kernel then waits for answers that never come.
bool changes_the_host(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return path.starts_with("rpc/") && name == "channel";
}

// A row of a socket has some 150 to 200 bytes: twenty million of them, far beyond what a host's memory holds of sockets.
constexpr std::uint64_t kMaxTableBytes = 4'000'000'000;

struct File {
  std::string path;    // below /proc
  std::string member;  // below netns/INODE/
  std::string table;   // its name where it is one of /proc/net's own; "" below folders, and of others
};

std::string net_path(const Host& host) {
  struct stat status {};
  const std::string path(kNetPath);
  return ::fstatat(host.proc.get(), path.c_str(), &status, 0) == 0 ? path : std::string(kOldNetPath);
}

class Listing {
 public:
  Listing(const NetnsAccess& netns, std::vector<archive::JournalEntry>& found) : netns_(netns), found_(found) {}

  std::vector<File> run() {
    walk(net_path(netns_.host()), "", "proc/net", 0);
    for (const char* sysctl : kSysctls) files_.push_back({std::string("sys/") + sysctl, std::string("proc/sys/") + sysctl, ""});
    return std::move(files_);
  }

 private:
  void walk(const std::string& directory_path, const std::string& inner, const std::string& member, int depth) {
    const std::uint64_t begin = boottime_nsec();
    // Below the first level nothing is followed: "net" itself is a link on some kernels.
    const int nofollow = depth > 0 ? O_NOFOLLOW : 0;
    const base::Fd directory(
        ::openat(netns_.host().proc.get(), directory_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow));
    std::vector<DirEntry> entries;
    const int error = directory ? list_directory(directory.get(), entries, [] { return true; }) : errno;
    if (error != 0) note(inner, begin, base::outcome_of_errno(error), error, "the directory can't be listed");
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const DirEntry& entry : entries) {
      const std::string child = inner.empty() ? entry.name : inner + "/" + entry.name;
      const std::string path = directory_path + "/" + entry.name;
      const std::string child_member = member + "/" + archive::percent_escape(entry.name);
      unsigned char type = entry.type;
      struct stat status {};
      if (type == DT_UNKNOWN && ::fstatat(directory.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_CHR;
      if (type == DT_DIR && depth >= kMaxDepth)
        note(child, begin, base::OutcomeKind::cut, 0, "nested deeper than the collector goes");
      else if (type == DT_DIR)
        walk(path, child, child_member, depth + 1);
      else if (changes_the_host(child))
        note(child, begin, base::OutcomeKind::skipped, 0, "opening it would change the host: it makes the reader its daemon");
      else if (type == DT_REG)
        files_.push_back({path, child_member, depth == 0 ? entry.name : std::string()});
    }
  }

  void note(const std::string& path, std::uint64_t begin, base::OutcomeKind outcome, int error, const char* why) {
    archive::JournalEntry entry;
    entry.source = "proc_net";
    entry.netns = netns_.inode();
    entry.begin_nsec = begin;
    entry.end_nsec = boottime_nsec();
    entry.outcome = outcome;
    entry.errno_number = error;
    entry.detail = "net/" + path + ": " + why;
    found_.push_back(std::move(entry));
  }

  const NetnsAccess& netns_;
  std::vector<archive::JournalEntry>& found_;
  std::vector<File> files_;
};

archive::JournalEntry about_file(const NetnsAccess& netns, const File& file) {
  archive::JournalEntry entry;
  entry.source = file.member.starts_with("proc/sys/") ? "proc_sys" : "proc_net";
  entry.netns = netns.inode();
  entry.member = "netns/" + std::to_string(netns.inode()) + "/" + file.member;
  return entry;
}

// The kernel's counts of sockets.
void note_counters(const NetnsAccess& netns, std::string_view name, std::string_view text, Seen& seen) {
  const auto& tables = decode::inode_tables();
  for (std::size_t i = 0; i < tables.size(); ++i)
    if (!tables[i].counter.empty() && tables[i].counter_file == name)
      if (const auto count = decode::find_counter(text, tables[i].counter)) seen.reads.push_back({netns.ordinal(), static_cast<std::uint8_t>(i + 1), TableRead::Kind::counter, *count});
}

SocketKind kind_of(const decode::InodeTable& table) {
  return table.file == "unix" ? SocketKind::local : table.is_tcp || table.file == "packet" ? SocketKind::mappable : SocketKind::other;
}

void note_table(const NetnsAccess& netns, const decode::InodeTable& table, decode::InodeColumn& column, bool is_dumped, bool is_whole, Seen& seen) {
  const auto number = static_cast<std::uint8_t>(&table - decode::inode_tables().data() + 1);
  auto& found = is_dumped ? seen.twins : seen.listed;
  for (const auto& row : column.take())
    found.push_back({row.inode, row.kernels ? SocketKind::kernels : kind_of(table), number, netns.ordinal()});
  if (is_dumped && is_whole) seen.reads.push_back({netns.ordinal(), number, TableRead::Kind::listing, column.counted_rows()});
}

bool has_counters(std::string_view name) {
  const auto& tables = decode::inode_tables();
  return std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return !name.empty() && table.counter_file == name; });
}

void read_file(const NetnsAccess& netns, const File& file, const Undumped& undumped, Output& output) {
  const std::string_view name = file.table;
  const decode::InodeTable* table = decode::find_inode_table(name);
  std::optional<decode::InodeColumn> column;
  std::string counters;
  std::function<void(std::string_view)> look;
  if (table != nullptr) {
    column.emplace(*table);
    look = [&](std::string_view piece) { column->look(piece); };
  } else if (has_counters(name)) {
    look = [&](std::string_view piece) { counters += piece; };
  }
  const int error = read_file_member(netns.host().proc.get(), file.path.c_str(), kMaxTableBytes, about_file(netns, file), output,
                                     base::OutcomeKind::unsupported, look);
  Seen seen;
  if (table != nullptr) note_table(netns, *table, *column, std::find(undumped.begin(), undumped.end(), table) == undumped.end(), error == 0, seen);
  note_counters(netns, name, counters, seen);
  if (!seen.empty()) output.seen(std::move(seen));
}

void journal_not_entered(archive::JournalEntry entry, int error, Output& output) {
  entry.member.clear();
  entry.begin_nsec = entry.end_nsec = boottime_nsec();
  entry.errno_number = error;
  entry.outcome = base::outcome_of_errno(error);
  entry.detail = "the namespace can't be entered";
  output.journal(std::move(entry));
}

class FileTask : public Task {
 public:
  FileTask(std::shared_ptr<const NetnsAccess> netns, File file, Undumped undumped)
      : netns_(std::move(netns)), file_(std::move(file)), undumped_(std::move(undumped)) {}
  archive::JournalEntry about(std::size_t) const override { return about_file(*netns_, file_); }
  void run(std::size_t, Output& output) override {
    if (const int error = netns_->enter()) return journal_not_entered(about(0), error, output);
    read_file(*netns_, file_, undumped_, output);
  }

 private:
  std::shared_ptr<const NetnsAccess> netns_;
  File file_;
  Undumped undumped_;
};

class AgainTask : public Task {
 public:
  AgainTask(std::shared_ptr<const NetnsAccess> netns, const std::vector<const decode::InodeTable*>& tables, const std::string& folder)
      : netns_(std::move(netns)) {
    const std::string path = net_path(netns_->host()) + "/";
    const auto add = [&](std::string_view name, const std::string& where) {
      files_.push_back({path + std::string(name), folder + where + std::string(name), std::string(name)});
    };
    std::vector<std::string_view> counters;
    for (const auto* table : tables)
      if (!table->counter_file.empty() && std::find(counters.begin(), counters.end(), table->counter_file) == counters.end())
        counters.push_back(table->counter_file);
    for (const auto name : counters) add(name, "/before/");
    for (const auto* table : tables) add(table->file, "/");
    for (const auto name : counters) add(name, "/after/");
  }

  std::size_t step_count() const override { return files_.size(); }
  archive::JournalEntry about(std::size_t step) const override { return about_file(*netns_, files_[step]); }
  void run(std::size_t step, Output& output) override {
    if (const int error = netns_->enter()) return journal_not_entered(about(step), error, output);
    read_file(*netns_, files_[step], {}, output);
  }

 private:
  std::shared_ptr<const NetnsAccess> netns_;
  std::vector<File> files_;
};

// Step 0 lists, the others read a file each.
class WholeTask : public Task {
 public:
  WholeTask(std::shared_ptr<const NetnsAccess> netns, Undumped undumped)
      : netns_(std::move(netns)), undumped_(std::move(undumped)) {}
  std::size_t step_count() const override { return 1 + file_count_; }
  archive::JournalEntry about(std::size_t step) const override {
    if (step > 0) return about_file(*netns_, files_[step - 1]);
    archive::JournalEntry entry;
    entry.source = "proc_net";
    entry.netns = netns_->inode();
    return entry;
  }
  void run(std::size_t step, Output& output) override {
    if (const int error = netns_->enter()) {
      journal_not_entered(about(step), error, output);
      file_count_ = step;  // said once
      return;
    }
    if (step > 0) return read_file(*netns_, files_[step - 1], undumped_, output);
    std::vector<archive::JournalEntry> found;
    files_ = Listing(*netns_, found).run();
    file_count_ = files_.size();
    for (auto& entry : found) output.journal(std::move(entry));
  }

 private:
  std::shared_ptr<const NetnsAccess> netns_;
  Undumped undumped_;
  std::vector<File> files_;
  std::atomic<std::size_t> file_count_{0};  // a step that was given up may still write the list
};

}  // namespace

std::shared_ptr<Task> proc_net_task(std::shared_ptr<const NetnsAccess> netns, Undumped undumped) {
  return std::make_shared<WholeTask>(std::move(netns), std::move(undumped));
}

std::shared_ptr<Task> tables_again_task(std::shared_ptr<const NetnsAccess> netns, const std::vector<const decode::InodeTable*>& tables,
                                        const std::string& folder) {
  return std::make_shared<AgainTask>(std::move(netns), tables, folder);
}

std::vector<std::shared_ptr<Task>> proc_net_file_tasks(std::shared_ptr<const NetnsAccess> netns,
                                                       std::vector<archive::JournalEntry>& found,
                                                       const Undumped& undumped) {
  std::vector<File> files = Listing(*netns, found).run();
  std::stable_partition(files.begin(), files.end(), [](const File& file) {
    return std::find(kSlowFiles.begin(), kSlowFiles.end(), file.path.substr(file.path.rfind('/') + 1)) != kSlowFiles.end();
  });
  std::vector<std::shared_ptr<Task>> tasks;
  for (File& file : files) tasks.push_back(std::make_shared<FileTask>(netns, std::move(file), undumped));
  return tasks;
}

}  // namespace ssnap::capture
