#include "capture/proc_net.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "archive/member.h"
#include "capture/clock.h"
#include "capture/proc_fs.h"

namespace ssnap::capture {
namespace {

// The kernel's own nests two deep (rpc/nfsd.export/content, netfilter/...).
constexpr int kMaxDepth = 6;

// True for what changes something on the host by being opened.
// net/sunrpc/cache.c, cache_open(): a reader of .../channel counts as the daemon that answers the kernel's questions,
// so that the kernel then waits for answers that never come.
bool changes_the_host(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  return path.starts_with("rpc/") && name == "channel";
}

class ProcNetTask : public Task {
 public:
  ProcNetTask(std::shared_ptr<const base::Fd> net, std::string path, archive::JournalEntry about)
      : net_(std::move(net)), path_(std::move(path)), about_(std::move(about)) {}
  archive::JournalEntry about(std::size_t) const override { return about_; }
  void run(std::size_t, Output& output) override {
    read_file_member(net_->get(), path_.c_str(), UINT64_MAX, about_, output);
  }

 private:
  std::shared_ptr<const base::Fd> net_;
  std::string path_;
  archive::JournalEntry about_;
};

class Listing {
 public:
  Listing(std::shared_ptr<const base::Fd> net, std::uint64_t netns_inode, std::vector<archive::JournalEntry>& found)
      : net_(std::move(net)), netns_(netns_inode), found_(found) {}

  void walk(const std::string& path, const std::string& member_path, int depth) {
    const std::uint64_t begin = boottime_nsec();
    const base::Fd directory(::openat(net_->get(), path.empty() ? "." : path.c_str(),
                                      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    std::vector<DirEntry> entries;
    const int error = directory ? list_directory(directory.get(), entries, [] { return true; }) : errno;
    if (error != 0) note(path, begin, base::outcome_of_errno(error), error, "the directory can't be listed");
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const DirEntry& entry : entries) {
      const std::string child = path.empty() ? entry.name : path + "/" + entry.name;
      const std::string child_member =
          member_path.empty() ? archive::percent_escape(entry.name) : member_path + "/" + archive::percent_escape(entry.name);
      unsigned char type = entry.type;
      struct stat status {};
      if (type == DT_UNKNOWN && ::fstatat(directory.get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        type = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_CHR;
      if (type == DT_DIR && depth >= kMaxDepth) {
        note(child, begin, base::OutcomeKind::cut, 0, "nested deeper than the collector goes");
      } else if (type == DT_DIR) {
        walk(child, child_member, depth + 1);
      } else if (changes_the_host(child)) {
        note(child, begin, base::OutcomeKind::skipped, 0, "opening it would change the host: it makes the reader its daemon");
      } else if (type == DT_REG) {
        archive::JournalEntry about;
        about.source = "proc_net";
        about.netns = netns_;
        about.member = "netns/" + std::to_string(netns_) + "/proc/net/" + child_member;
        tasks_.push_back(std::make_shared<ProcNetTask>(net_, child, std::move(about)));
      }
    }
  }

  std::vector<std::shared_ptr<Task>> take() { return std::move(tasks_); }

 private:
  void note(const std::string& path, std::uint64_t begin, base::OutcomeKind outcome, int error, const char* why) {
    archive::JournalEntry entry;
    entry.source = "proc_net";
    entry.netns = netns_;
    entry.begin_nsec = begin;
    entry.end_nsec = boottime_nsec();
    entry.outcome = outcome;
    entry.errno_number = error;
    entry.detail = "net/" + path + ": " + why;
    found_.push_back(std::move(entry));
  }

  std::shared_ptr<const base::Fd> net_;
  std::uint64_t netns_;
  std::vector<archive::JournalEntry>& found_;
  std::vector<std::shared_ptr<Task>> tasks_;
};

}  // namespace

std::vector<std::shared_ptr<Task>> proc_net_tasks(std::shared_ptr<const base::Fd> net, std::uint64_t netns_inode,
                                                  std::vector<archive::JournalEntry>& found) {
  Listing listing(std::move(net), netns_inode, found);
  listing.walk("", "", 0);
  return listing.take();
}

}  // namespace ssnap::capture
