#include "capture/sockprotonames.h"

#include <sched.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "capture/clock.h"
#include "capture/proc_fs.h"
#include "capture/process_files.h"
#include "decode/link_list.h"

namespace ssnap::capture {
namespace {

// Sockets that no dump shows are few: raw, vsock, XDP, and those that came or went. More of them than this are
// counted, not asked for one by one.
constexpr std::size_t kMaxAskedNames = 20'000;
// Protocol names are short ("UDPLITEv6"); sock->sk_prot->name has 32 bytes.
constexpr std::size_t kMaxProtocolName = 64;

// True: the calling thread's working folder is `proc`, its own and no other thread's. Extended attributes can only be asked
// for by path (getxattrat came with Linux 6.13), and the procfs that is read may be mounted nowhere.
bool enter_proc(int proc) {
  thread_local int entered = -1;
  if (entered == proc) return true;
  if (::unshare(CLONE_FS) != 0 || ::fchdir(proc) != 0) return false;
  entered = proc;
  return true;
}

// A step a socket, the last writes them down: a process that swaps its fds in the right moment makes one step ask a file
// (of FUSE, say) that never answers.
class SockprotonameTask : public Task {
 public:
  SockprotonameTask(const Host& host, std::vector<HeldInode> held, int pass)
      : host_(host), held_(std::move(held)), pass_(pass), answers_(std::min(held_.size(), kMaxAskedNames)) {}

  std::size_t step_count() const override { return answers_.size() + 1; }

  archive::JournalEntry about(std::size_t step) const override {
    archive::JournalEntry entry;
    entry.source = "sockprotoname";
    entry.pass = pass_;
    if (step < answers_.size()) entry.pid = held_[step].pid;
    else entry.member = "sockprotonames/pass" + std::to_string(pass_);
    return entry;
  }

  bool may_hang(std::size_t step) const override { return step < answers_.size(); }

  void run(std::size_t step, Output& output) override {
    if (step == 0) begin_nsec_ = boottime_nsec();
    if (step < answers_.size()) return ask_about(step);
    archive::JournalEntry entry = about(step);
    entry.begin_nsec = begin_nsec_;
    MemberBuffer member(output);
    Seen seen;
    std::map<int, std::uint64_t> failures;
    for (const Answer& answer : answers_) {
      if (!answer.is_there) continue;
      const NamedInode& named = answer.named;
      if (answer.error != 0) ++failures[answer.error];
      std::string line = std::to_string(named.held.inode) + " " + std::to_string(named.held.pid) + " " +
                         std::to_string(named.held.fd) + " " + (named.still_there ? "held" : "gone") + " " +
                         named.protocol;
      line += '\0';
      member.append(line);
      seen.named.push_back(named);
    }
    entry.end_nsec = boottime_nsec();
    entry.count = seen.named.size();
    entry.bytes = member.size_bytes();
    member.finish(entry.member);
    archive::JournalEntry rest = entry;
    rest.member.clear();
    journal_failures(rest, failures, "sockets in no dump whose protocol could not be asked for", output);
    if (seen.named.size() < held_.size()) {
      rest.bytes.reset();
      rest.outcome = base::OutcomeKind::cut;
      rest.count = held_.size() - seen.named.size();
      rest.detail = "sockets in no dump whose protocol was not asked for";
      output.journal(std::move(rest));
    }
    output.journal(std::move(entry));
    output.seen(std::move(seen));
  }

 private:
  struct Answer {
    NamedInode named;
    int error = 0;
    std::atomic<bool> is_there{false};  // only then the others are read: a step that was given up may still write them
  };

  void ask_about(std::size_t step) {
    // Where a thread may not have a working folder of its own (seccomp), through the mounted /proc.
    const std::string folder = enter_proc(host_.proc.get()) ? "" : "/proc/self/fd/" + std::to_string(host_.proc.get()) + "/";
    Answer& answer = answers_[step];
    answer.named.held = held_[step];
    const std::string path = std::to_string(held_[step].pid) +
                             (held_[step].tid != 0 ? "/task/" + std::to_string(held_[step].tid) : "") + "/fd/" +
                             std::to_string(held_[step].fd);
    std::string target;
    const bool is_open = read_link(host_.proc.get(), path.c_str(), target) == 0;
    answer.named.still_there = is_open && decode::inode_of_link(target, "socket") == held_[step].inode;
    if (answer.named.still_there) answer.error = ask((folder + path).c_str(), answer.named.protocol);
    answer.is_there = true;
  }

  // net/socket.c, sockfs_xattr_get(): answered from the socket itself, nothing is opened. Returns errno.
  static int ask(const char* path, std::string& protocol) {
    char name[kMaxProtocolName];
    const ssize_t length = ::getxattr(path, "system.sockprotoname", name, sizeof name);
    if (length < 0) return errno;
    protocol.assign(name, ::strnlen(name, static_cast<std::size_t>(length)));
    return 0;
  }

  const Host& host_;
  const std::vector<HeldInode> held_;
  int pass_;
  std::vector<Answer> answers_;
  std::atomic<std::uint64_t> begin_nsec_{0};
};

}  // namespace

std::shared_ptr<Task> sockprotoname_task(const Host& host, std::vector<HeldInode> held, int pass) {
  return std::make_shared<SockprotonameTask>(host, std::move(held), pass);
}

}  // namespace ssnap::capture
