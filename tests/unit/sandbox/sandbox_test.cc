// The sandbox on this kernel: each case enters it in a child, and tries what it must not be able to do any more.
#include "sandbox/sandbox.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/fd.h"
#include "sandbox/landlock.h"
#include "sandbox/system_calls.h"
#include "support/catch.h"

using namespace ssnap;
using sandbox::Keep;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "ssnap-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    for (const char* inner : {"in", "target", "beside", "removed"}) fs::create_directory(path / inner);
    std::ofstream(path / "in/file") << "inside";
    std::ofstream(path / "beside/file") << "outside";
  }
  ~Folder() { fs::remove_all(path); }
  base::Fd open(const char* name) const { return base::Fd(::open((path / name).c_str(), O_RDONLY | O_CLOEXEC)); }
  fs::path path;
};

constexpr int kKilled = -SIGSYS;

// How a child ends that enters and then does it: what it returns, or minus the signal.
int inside(const Keep& keep, const std::function<int()>& what) {
  const pid_t child = ::fork();
  if (child == 0) {
    // Catch's own handlers call what they like.
    for (const int signal : {SIGABRT, SIGSEGV, SIGTERM}) ::signal(signal, SIG_DFL);
    sandbox::enter(keep);
    ::_exit(what());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int inside(const std::function<int()>& what) { return inside(Keep{}, what); }

int error_of(long result) { return result >= 0 ? 0 : errno; }

const int kLandlock = sandbox::landlock_abi();

}  // namespace

TEST_CASE("this kernel has what the tests below try") {
  REQUIRE(sandbox::seccomp_error() == 0);
  CHECK(sandbox::describe().starts_with("seccomp, "));
  CHECK(inside([] { return 42; }) == 42);
}

TEST_CASE("calls off the list end the process") {
  const std::pair<const char*, std::function<int()>> calls[] = {
      {"socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"UNIX socket", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
      {"open for writing", [] { return ::open("/tmp/ssnap-never", O_WRONLY | O_CREAT, 0600); }},
      {"execve", [] { return ::execl("/bin/true", "true", nullptr); }},
      {"fork", [] { return static_cast<int>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
      {"ptrace", [] { return static_cast<int>(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }},
      {"kill", [] { return ::kill(::getppid(), 0); }},
      {"prctl", [] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }},
      {"setuid", [] { return static_cast<int>(::syscall(SYS_setuid, 0)); }},
      {"unshare", [] { return static_cast<int>(::syscall(SYS_unshare, 0x10000000)); }},
      {"io_uring", [] { return static_cast<int>(::syscall(SYS_io_uring_setup, 1, nullptr)); }},
      {"memory to execute", [] { return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED; }},
      {"write to another descriptor", [] { return static_cast<int>(::write(3, "x", 1)); }},
      {"openat2", [] { return static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", nullptr, 0)); }},
      {"an x32 call", [] { return static_cast<int>(::syscall(0x40000000 | SYS_getpid)); }},
      {"a call that there is not", [] { return static_cast<int>(::syscall(1000)); }},
  };
  for (const auto& [name, call] : calls) {
    INFO(name);
    CHECK(inside(call) == kKilled);
    // And it is the list that does it.
    Keep keep;
    keep.threads_may_hang = true;
    if (std::string(name) != "an x32 call") CHECK(inside(keep, [&call = call] { return call() < 1 && errno == EPERM ? 7 : 8; }) == 7);
  }
}

#if defined(__x86_64__)
TEST_CASE("calls of 32 bits end the process") {
  const int ended = inside([] {
    long result = 20;  // getpid, to i386
    asm volatile("int $0x80" : "+a"(result) : : "memory");
    return 0;
  });
  // SIGSEGV: a kernel without them.
  CHECK((ended == kKilled || ended == -SIGSEGV));
}
#endif

TEST_CASE("what the program does goes on") {
  CHECK(inside([] {
          // Memory of all sizes, exceptions, threads, clocks, the end by abort().
          std::vector<std::string> blocks;
          for (std::size_t size = 1; size < 64'000'000; size *= 3) blocks.emplace_back(size, 'x');
          blocks.front().resize(40'000'000);
          try {
            throw std::runtime_error("caught");
          } catch (const std::exception&) {
          }
          int sum = 0;
          std::vector<std::thread> threads;
          for (int i = 0; i < 4; ++i) threads.emplace_back([&sum, i] { if (std::string(100'000, 'x').size() > 1 && i == 3) sum = i; });
          for (auto& thread : threads) thread.join();
          (void)std::thread::hardware_concurrency();
          timespec now{};
          ::clock_gettime(CLOCK_MONOTONIC, &now);
          (void)::isatty(STDOUT_FILENO);
          return sum;
        }) == 3);
  CHECK(inside([]() -> int { std::abort(); }) == -SIGABRT);
}

TEST_CASE("input is read, and nothing else is open") {
  const Folder folder;
  const base::Fd input = folder.open("in/file"), other = folder.open("beside/file");
  const base::Fd last(::fcntl(other.get(), F_DUPFD_CLOEXEC, 100));
  Keep keep;
  keep.inputs = {input.get()};
  CHECK(inside(keep, [&] {
          char byte = 0;
          if (::read(input.get(), &byte, 1) != 1 || byte != 'i') return 1;
          if (::read(other.get(), &byte, 1) >= 0 || ::read(last.get(), &byte, 1) >= 0) return 2;
          return error_of(::open("/etc/passwd", O_RDONLY)) == EACCES ? 0 : 3;
        }) == 0);
}

TEST_CASE("of a directory only what is below it is read") {
  const Folder folder;
  const base::Fd input = folder.open("in");
  Keep keep;
  keep.inputs = {input.get()};
  CHECK(inside(keep, [&] {
          if (::openat(input.get(), "file", O_RDONLY) < 0 || ::openat(input.get(), ".", O_RDONLY | O_DIRECTORY) < 0) return 1;
          if (kLandlock > 0) {
            for (const char* name : {"..", "../beside", "../beside/file", "/etc/passwd", "/"})
              if (error_of(::openat(input.get(), name, O_RDONLY)) != EACCES) return 2;
          }
          return 0;
        }) == 0);
  for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_CREAT, O_WRONLY | O_TRUNC})
    CHECK(inside(keep, [&] { return ::openat(input.get(), "file", flags, 0600); }) == kKilled);
  for (const auto& change : std::vector<std::function<int()>>{[&] { return ::unlinkat(input.get(), "file", 0); },
                                                              [&] { return ::renameat(input.get(), "file", input.get(), "x"); },
                                                              [&] { return ::mkdirat(input.get(), "x", 0700); },
                                                              [&] { return ::fchmodat(input.get(), "file", 0777, 0); }})
    CHECK(inside(keep, change) == kKilled);
  CHECK(fs::file_size(folder.path / "in/file") == 6);
}

TEST_CASE("things are made below the target and nowhere else") {
  const Folder folder;
  const base::Fd input = folder.open("in/file"), target = folder.open("target"), parent = folder.open("."), beside = folder.open("beside");
  const Keep keep{{input.get(), beside.get()}, target.get(), parent.get(), false};
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  CHECK(inside(keep, [&] {
          const int file = ::openat(target.get(), "file", kNew, 0600);
          if (file < 0 || ::write(file, "x", 1) != 1) return 1;
          if (::mkdirat(target.get(), "d", 0700) != 0 || ::symlinkat("/etc", target.get(), "link") != 0) return 2;
          if (kLandlock != 1 && ::linkat(target.get(), "file", target.get(), "d/second", 0) != 0) return 3;
          if (::unlinkat(parent.get(), "removed", AT_REMOVEDIR) != 0) return 4;
          return 0;
        }) == 0);
  CHECK(fs::exists(folder.path / "target/d/second"));
  CHECK(fs::is_symlink(folder.path / "target/link"));
  CHECK_FALSE(fs::exists(folder.path / "removed"));
  if (kLandlock == 0) return;
  CHECK(inside(keep, [&] {
          for (const auto& [directory, name] : {std::pair{parent.get(), "x"}, {beside.get(), "x"}, {target.get(), "../x"}, {AT_FDCWD, "/tmp/ssnap-never"}}) {
            if (error_of(::openat(directory, name, kNew, 0600)) != EACCES) return 1;
            if (error_of(::mkdirat(directory, name, 0700)) != EACCES) return 2;
            if (error_of(::symlinkat("to", directory, name)) != EACCES) return 3;
          }
          const int moved = error_of(::linkat(target.get(), "file", beside.get(), "x", 0));
          if (moved != EACCES && moved != EXDEV) return 4;
          return error_of(::openat(target.get(), "file", O_RDONLY)) == EACCES ? 0 : 5;
        }) == 0);
  CHECK(inside(keep, [&] { return ::openat(target.get(), "file", O_WRONLY); }) == kKilled);
  CHECK(inside(keep, [&] { return ::unlinkat(target.get(), "file", 0); }) == kKilled);
}

namespace {

// A child that has a pipe for standard output, another to wait on, and says when it has entered.
class Waiting {
 public:
  // `body(wait)` is to read from `wait`; its result is the exit code.
  Waiting(Keep keep, const std::function<int(int wait, const std::function<void()>& enter)>& body) {
    int said[2], wait[2];
    REQUIRE(::pipe2(said, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(wait, O_CLOEXEC) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(said[1], STDOUT_FILENO);
      keep.inputs.push_back(wait[0]);
      ::_exit(body(wait[0], [&keep] {
        sandbox::enter(keep);
        (void)!::write(STDOUT_FILENO, ".", 1);
      }));
    }
    ::close(said[1]);
    ::close(wait[0]);
    said_ = base::Fd(said[0]);
    go_ = base::Fd(wait[1]);
    char byte = 0;
    REQUIRE(::read(said_.get(), &byte, 1) == 1);
  }
  pid_t child() const { return child_; }
  // Lets it go on, and returns its exit code, or minus the signal.
  int end() {
    REQUIRE(::write(go_.get(), ".", 1) == 1);
    int status = 0;
    REQUIRE(::waitpid(child_, &status, 0) == child_);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t child_;
  base::Fd said_, go_;
};

std::map<std::string, std::string> status_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::map<std::string, std::string> found;
  for (std::string line; std::getline(file, line);)
    if (const auto colon = line.find(":\t"); colon != std::string::npos) found[line.substr(0, colon)] = line.substr(colon + 2);
  return found;
}

std::string hard_limit_of(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream words(line.substr(name.size()));
    std::string soft, hard;
    words >> soft >> hard;
    return hard;
  }
  return "";
}

}  // namespace

TEST_CASE("what the kernel says of a process within") {
  const Folder folder;
  const base::Fd file = folder.open("in/file"), directory = folder.open("in"), target = folder.open("target");
  Keep of_directory, of_target;
  of_directory.inputs = {directory.get()};
  of_target.target = target.get();
  for (const auto& [keep, becomes_nobody] : {std::pair{Keep{{file.get()}, -1, -1, false}, true}, {of_directory, false}, {of_target, false}}) {
    Waiting waiting(keep, [](int wait, const std::function<void()>& enter) {
      enter();
      char byte = 0;
      return ::read(wait, &byte, 1) == 1 ? 0 : 1;
    });
    auto status = status_of(waiting.child());
    CHECK(status["Seccomp"] == "2");
    CHECK(status["NoNewPrivs"] == "1");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) CHECK(status[set] == "0000000000000000");
    const std::string uid = std::to_string(::getuid());
    const std::string now = becomes_nobody && ::getuid() == 0 ? "65534" : uid;
    CHECK(status["Uid"] == now + "\t" + now + "\t" + now + "\t" + now);
    if (::getuid() == 0) {
      CHECK(status["CapBnd"] == "0000000000000000");
      if (becomes_nobody) {
        CHECK(status["Gid"] == "65534\t65534\t65534\t65534");
        CHECK(status["Groups"].find_first_not_of(' ') == std::string::npos);
      }
    }
    CHECK(hard_limit_of(waiting.child(), "Max core file size") == "0");
    CHECK(hard_limit_of(waiting.child(), "Max open files") == (becomes_nobody ? "0" : "256"));
    CHECK(waiting.end() == 0);
  }
}

TEST_CASE("a thread that comes back late is refused, and ends nothing") {
  Keep keep;
  keep.threads_may_hang = true;
  Waiting waiting(keep, [](int wait, const std::function<void()>& enter) {
    int error = 0;
    std::thread late([&] {
      char byte = 0;
      if (::read(wait, &byte, 1) == 1) error = error_of(::open("/etc/passwd", O_RDWR));
    });
    enter();
    late.join();
    return error == EPERM ? 0 : 1;
  });
  CHECK(waiting.end() == 0);
}
