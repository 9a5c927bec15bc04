#include "capture/host_files.h"


#include <string>

#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

// Larger than any sane file of this list; a host with more users than this gets a stated cut.
constexpr std::uint64_t kMaxHostFileBytes = 64 * 1024 * 1024;

struct HostFile {
  bool in_proc;      // below /proc, else below /
  const char* path;  // also the member's name, below proc/ or as it is
};

// One row a file. What is absent on a host is recorded as `vanished` and is no loss.
constexpr HostFile kHostFiles[] = {
    {true, "stat"},
    {true, "uptime"},
    {true, "loadavg"},
    {true, "version"},
    {true, "cmdline"},
    {true, "meminfo"},
    {true, "modules"},
    {true, "filesystems"},
    {true, "sys/kernel/hostname"},
    {true, "sys/kernel/domainname"},
    {true, "sys/kernel/osrelease"},
    {true, "sys/kernel/ostype"},
    {true, "sys/kernel/version"},
    {true, "sys/kernel/tainted"},
    {true, "sys/kernel/pid_max"},
    {true, "sys/kernel/threads-max"},
    {true, "sys/kernel/random/boot_id"},
    {true, "sys/kernel/yama/ptrace_scope"},
    {true, "sys/fs/file-nr"},
    {true, "sys/fs/nr_open"},
    {false, "etc/passwd"},
    {false, "etc/group"},
    {false, "etc/hostname"},
    {false, "etc/machine-id"},
    {false, "etc/os-release"},
    {false, "etc/services"},
    {false, "etc/protocols"},
};

class HostFileTask : public Task {
 public:
  HostFileTask(const Host& host, const HostFile& file, std::string prefix)
      : host_(host), file_(file), prefix_(std::move(prefix)) {}

  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry;
    entry.source = "host_file";
    entry.member = prefix_ + (file_.in_proc ? "proc/" : "") + file_.path;
    return entry;
  }

  // /etc/os-release and others are links on many systems: the member is what the path leads to.
  void run(std::size_t, Output& output) override {
    const int directory = file_.in_proc ? host_.proc.get() : host_.root.get();
    std::string path = file_.path;
    // Follow links by hand, within the root that was given, a few levels at most (/etc/os-release -> ../usr/lib/...).
    for (int depth = 0; depth < 4 && !file_.in_proc; ++depth) {
      std::string target;
      if (read_link(directory, path.c_str(), target) != 0) break;
      if (target.starts_with('/')) path = target.substr(1);
      else if (const auto slash = path.rfind('/'); slash != std::string::npos) path = path.substr(0, slash + 1) + target;
      else path = target;
    }
    read_file_member(directory, path.c_str(), kMaxHostFileBytes, about(0), output, base::OutcomeKind::unsupported);
  }

 private:
  const Host& host_;
  const HostFile& file_;
  std::string prefix_;
};

}  // namespace

std::vector<std::shared_ptr<Task>> host_file_tasks(const Host& host) {
  std::vector<std::shared_ptr<Task>> tasks;
  for (const HostFile& file : kHostFiles) tasks.push_back(std::make_shared<HostFileTask>(host, file, ""));
  return tasks;
}

std::vector<std::shared_ptr<Task>> after_tasks(const Host& host) {
  static constexpr HostFile kModules{true, "modules"};
  return {std::make_shared<HostFileTask>(host, kModules, "after/")};
}

}  // namespace ssnap::capture
