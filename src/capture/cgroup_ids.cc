#include "capture/cgroup_ids.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <deque>
#include <string>

#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "decode/mountinfo.h"

namespace ssnap::capture {
namespace {

constexpr std::size_t kMaxMountinfoBytes = 16 * 1024 * 1024;
// Large hosts have some 10,000 cgroups; the kernel's own limit (cgroup.max.descendants) is none.
constexpr std::size_t kMaxCgroups = 200'000;

class CgroupIdsTask : public Task {
 public:
  explicit CgroupIdsTask(const Host& host) : host_(host) {}

  archive::JournalEntry about(std::size_t) const override {
    archive::JournalEntry entry;
    entry.source = "cgroup_ids";
    entry.member = "cgroup2-ids";
    return entry;
  }

  void run(std::size_t step, Output& output) override {
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = boottime_nsec();
    const std::string mount = mount_point();
    const base::Fd top(mount.empty() ? -1 : ::openat(host_.root.get(), mount.c_str() + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) {
      entry.member.clear();
      entry.end_nsec = boottime_nsec();
      entry.outcome = mount.empty() ? base::OutcomeKind::unsupported : base::outcome_of_errno(errno);
      entry.detail = mount.empty() ? "no cgroup2 mount in the collector's mount namespace" : mount;
      output.journal(std::move(entry));
      return;
    }
    MemberBuffer member(output);
    std::uint64_t count = 0;
    std::deque<std::string> waiting{""};
    for (; !waiting.empty() && count < kMaxCgroups; waiting.pop_front()) {
      const std::string& path = waiting.front();
      const base::Fd directory(::openat(top.get(), path.empty() ? "." : path.c_str(),
                                        O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
      struct stat status {};
      if (!directory || !base::file_status(directory.get(), status)) continue;  // removed meanwhile
      std::string record = std::to_string(status.st_ino) + " /" + path;
      record += '\0';
      member.append(record);
      ++count;
      std::vector<DirEntry> entries;
      list_directory(directory.get(), entries, [&] { return output.beat(); });
      for (const DirEntry& item : entries)
        if (item.type == DT_DIR) waiting.push_back(path.empty() ? item.name : path + "/" + item.name);
      if (!output.beat()) break;
    }
    entry.end_nsec = boottime_nsec();
    entry.bytes = member.size_bytes();
    entry.count = count;
    if (!waiting.empty()) {
      entry.outcome = base::OutcomeKind::cut;
      entry.count.reset();
    }
    member.finish(entry.member);
    output.journal(std::move(entry));
  }

 private:
  std::string mount_point() const {
    std::string text;
    if (read_small_file(host_.proc.get(), "self/mountinfo", kMaxMountinfoBytes, text) != 0) return "";
    for (const auto& mount : decode::decode_mountinfo(text).rows)
      if (mount.fs_type == "cgroup2" && mount.mount_point.starts_with("/")) return mount.mount_point;
    return "";
  }

  const Host& host_;
};

}  // namespace

std::shared_ptr<Task> cgroup_ids_task(const Host& host) { return std::make_shared<CgroupIdsTask>(host); }

}  // namespace ssnap::capture
