// The floor of a capture: reads the same sources of the kernel, and does nothing with them.
//
//     bench-floor --threads 2 < PLAN
//
// PLAN has one task a line, in the order in which the threads take them (bench.py makes it from an archive). A task is one of
// these, or several with ` ; ` between them:
//
//     dump PID PROTOCOL HEX       one netlink dump: NETLINK_* and the request's bytes
//     file PID PATH               a file; PATH is relative to /proc, or absolute
//     process PID FILE...         files below /proc/PID; `links` and `fds` stand for the links that they are made of
//
// PID, where it is not 0, is a process whose network namespace the reading thread enters first. It prints what it has read and
// how long each task took:
//
//     total netlink_bytes=N file_bytes=N links=N
//     task LINE NSEC
#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

// As large as the kernel fills them: 32 KiB of a dump, of most files in /proc a page, of a folder 32 KiB.
constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kDatagramBytes = 32 * 1024, kFolderBytes = 32 * 1024;
// struct linux_dirent64
constexpr std::size_t kReclenAt = 16, kNameAt = 19;
constexpr const char* kLinks[] = {"exe",    "cwd",    "root",    "ns/cgroup", "ns/ipc", "ns/mnt",
                                  "ns/net", "ns/pid", "ns/time", "ns/user",   "ns/uts"};

struct Source {
  std::string kind;
  int pid = 0;
  std::vector<std::string> words;  // the rest
};

struct Task {
  std::vector<Source> sources;
  std::uint64_t nsec = 0;
};

struct Totals {
  std::uint64_t netlink_bytes = 0, file_bytes = 0, links = 0;
};

int proc = -1;

std::uint64_t now_nsec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// A procfs of its own, as a capture has: one in which nothing is cached. The mounted one where that can't be had.
int open_proc() {
  constexpr long kFsopen = 430, kFsconfig = 431, kFsmount = 432;
  constexpr int kCreate = 6;  // FSCONFIG_CMD_CREATE
  const int context = static_cast<int>(::syscall(kFsopen, "proc", 0));
  if (context >= 0 && ::syscall(kFsconfig, context, kCreate, nullptr, nullptr, 0) == 0)
    if (const int made = static_cast<int>(::syscall(kFsmount, context, 0, 0)); made >= 0) return made;
  return ::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// What reads, one a thread.
class Reader {
 public:
  Totals totals;

  void run(const Source& source) {
    if (source.kind == "process") return process(source);
    enter(source.pid);
    if (source.kind == "dump") dump(std::atoi(source.words.at(0).c_str()), source.words.at(1));
    else read_file(proc, source.words.at(0).c_str());
  }

 private:
  void enter(int pid) {
    if (pid == inside_) return;
    const int fd = ::openat(proc, (std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) std::fprintf(stderr, "bench-floor: namespace of %d: %s\n", pid, std::strerror(errno));
    ::close(fd);
    inside_ = pid;
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }

  void dump(int protocol, const std::string& hex) {
    std::string request;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) request += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    if (socket_ < 0 || protocol_ != protocol) {
      if (socket_ >= 0) ::close(socket_);
      socket_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
      protocol_ = protocol;
    }
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (::sendto(socket_, request.data(), request.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0) return;
    for (;;) {
      const ssize_t got = ::recv(socket_, buffer_, kDatagramBytes, 0);
      if (got <= 0) return;
      totals.netlink_bytes += static_cast<std::uint64_t>(got);
      for (std::size_t at = 0; at + sizeof(nlmsghdr) <= static_cast<std::size_t>(got);) {
        nlmsghdr header;
        std::memcpy(&header, buffer_ + at, sizeof header);
        if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) return;
        at += NLMSG_ALIGN(std::max<std::size_t>(header.nlmsg_len, sizeof header));
      }
    }
  }

  void read_file(int folder, const char* path) {
    const int fd = ::openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return;
    for (ssize_t got = 0; (got = ::read(fd, buffer_, kBufferBytes)) > 0;) totals.file_bytes += static_cast<std::uint64_t>(got);
    ::close(fd);
  }

  void process(const Source& source) {
    const int folder = ::openat(proc, std::to_string(source.pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    for (const std::string& file : source.words) {
      if (file == "fds") read_fds(folder);
      else if (file == "links") read_links(folder);
      else read_file(folder, file.c_str());
    }
    ::close(folder);
  }

  void read_links(int folder) {
    for (const char* name : kLinks)
      if (::readlinkat(folder, name, target_, sizeof target_) > 0) ++totals.links;
  }

  // Of what is no socket, the mode as well.
  void read_fds(int folder) {
    const int table = ::openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (;;) {
      const long got = ::syscall(SYS_getdents64, table, buffer_, kFolderBytes);
      if (got <= 0) break;
      for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
        std::uint16_t length = 0;
        std::memcpy(&length, buffer_ + at + kReclenAt, sizeof length);
        const char* name = buffer_ + at + kNameAt;
        at += length;
        if (*name == '.') continue;
        const ssize_t target = ::readlinkat(table, name, target_, sizeof target_);
        if (target <= 0) continue;
        ++totals.links;
        struct stat status {};
        if (target < 7 || std::memcmp(target_, "socket:", 7) != 0) ::fstatat(table, name, &status, AT_SYMLINK_NOFOLLOW);
      }
    }
    ::close(table);
  }

  char buffer_[kBufferBytes];
  char target_[4096];
  int inside_ = 0, socket_ = -1, protocol_ = -1;
};

std::vector<Task> read_plan() {
  std::vector<Task> tasks;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    Task task;
    for (std::string kind; words >> kind;) {
      Source source{kind, 0, {}};
      words >> source.pid;
      for (std::string word; words >> word && word != ";";) source.words.push_back(word);
      task.sources.push_back(std::move(source));
    }
    tasks.push_back(std::move(task));
  }
  return tasks;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || std::string(argv[1]) != "--threads") {
    std::fputs("usage: bench-floor --threads N < PLAN\n", stderr);
    return 2;
  }
  std::vector<Task> tasks = read_plan();
  proc = open_proc();
  std::vector<Reader> readers(std::max(1, std::atoi(argv[2])));
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> threads;
  for (Reader& reader : readers) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; (i = next++) < tasks.size();) {
        const std::uint64_t begin = now_nsec();
        for (const Source& source : tasks[i].sources) reader.run(source);
        tasks[i].nsec = now_nsec() - begin;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Totals sum;
  for (const Reader& reader : readers) {
    sum.netlink_bytes += reader.totals.netlink_bytes;
    sum.file_bytes += reader.totals.file_bytes;
    sum.links += reader.totals.links;
  }
  std::printf("total netlink_bytes=%llu file_bytes=%llu links=%llu\n", static_cast<unsigned long long>(sum.netlink_bytes),
              static_cast<unsigned long long>(sum.file_bytes), static_cast<unsigned long long>(sum.links));
  for (std::size_t i = 0; i < tasks.size(); ++i) std::printf("task %zu %llu\n", i, static_cast<unsigned long long>(tasks[i].nsec));
  return 0;
}
