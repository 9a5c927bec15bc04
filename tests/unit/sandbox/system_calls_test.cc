// The filter as the kernel would run it, on every call there is: what it answers, for each of the lists.
#include "sandbox/system_calls.h"

#include <cstring>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <map>
#include <set>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "support/catch.h"

using namespace ssnap;
using sandbox::SystemCallNeeds;

namespace {

constexpr unsigned kPid = 4711;
constexpr std::uint32_t kErrno = SECCOMP_RET_ERRNO;
#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64, kOther = AUDIT_ARCH_I386;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64, kOther = AUDIT_ARCH_ARM;
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_RISCV64, kOther = AUDIT_ARCH_RISCV32;
#endif

seccomp_data call(long number, std::initializer_list<std::uint64_t> arguments = {}) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = kArchitecture;
  std::size_t i = 0;
  for (const auto argument : arguments) data.args[i++] = argument;
  return data;
}

// kernel/seccomp.c runs classic BPF with 32-bit loads only (seccomp_check_filter). Anything else fails the test.
std::uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& data) {
  std::uint32_t a = 0;
  for (std::size_t at = 0; at < program.size();) {
    const sock_filter& step = program[at++];
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        REQUIRE(step.k + sizeof a <= sizeof data);
        REQUIRE(step.k % sizeof a == 0);
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + step.k, sizeof a);
        break;
      case BPF_ALU | BPF_AND | BPF_K: a &= step.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: at += a == step.k ? step.jt : step.jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: at += a >= step.k ? step.jt : step.jf; break;
      case BPF_RET | BPF_K: return step.k;
      default: FAIL("an instruction that no filter of ours has");
    }
  }
  FAIL("it runs off its end");
  return 0;
}

SystemCallNeeds needs_of(const char* what) {
  SystemCallNeeds needs;
  const std::string words = what;
  needs.directories = words.find("directory") != std::string::npos;
  needs.target = words.find("target") != std::string::npos;
  needs.landlock = words.find("landlock") != std::string::npos;
  needs.refuse_unlisted = words.find("refuse") != std::string::npos;
  return needs;
}

std::uint32_t answer(const char* what, const seccomp_data& data) { return run(sandbox::system_call_filter(needs_of(what), kPid), data); }
bool allows(const char* what, long number, std::initializer_list<std::uint64_t> arguments = {}) {
  return answer(what, call(number, arguments)) == SECCOMP_RET_ALLOW;
}

// Calls that are answered with anything but death whatever their arguments are; for those that look at them, these are such
// that they are.
std::set<long> listed(const char* what) {
  const auto program = sandbox::system_call_filter(needs_of(what), kPid);
  std::set<long> found;
  for (long number = 0; number < 1000; ++number) {
    for (const auto& data : {call(number, {1, 0, PROT_READ}), call(number, {kPid, 0x5401, AT_REMOVEDIR}), call(number, {2, F_GETFL, O_RDONLY, 0, 0}),
                             call(number, {CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM})})
      if (run(program, data) != SECCOMP_RET_KILL_PROCESS) found.insert(number);
  }
  return found;
}

}  // namespace

TEST_CASE("the lists are these and no others") {
  const std::set<long> always{SYS_read,           SYS_write,          SYS_writev,         SYS_close,         SYS_fstat,         SYS_brk,
                              SYS_mmap,           SYS_mprotect,       SYS_munmap,         SYS_mremap,        SYS_madvise,       SYS_clone,
                              SYS_clone3,         SYS_set_robust_list, SYS_rseq,          SYS_futex,         SYS_sched_yield,   SYS_sched_getaffinity,
                              SYS_rt_sigprocmask, SYS_rt_sigaction,   SYS_rt_sigreturn,   SYS_restart_syscall, SYS_exit,        SYS_clock_gettime,
                              SYS_exit_group,     SYS_getpid,         SYS_gettid,         SYS_tgkill,        SYS_ioctl,         SYS_openat};
  const auto with = [&](std::set<long> more) {
    more.insert(always.begin(), always.end());
    return more;
  };
  const std::set<long> directory{SYS_newfstatat, SYS_readlinkat, SYS_getdents64, SYS_fcntl};
  const std::set<long> target{SYS_openat2, SYS_mkdirat, SYS_symlinkat, SYS_linkat, SYS_unlinkat};
  CHECK(listed("archive") == always);
  CHECK(listed("directory") == with(directory));
  CHECK(listed("target") == with(target));
  auto both = directory;
  both.insert(target.begin(), target.end());
  CHECK(listed("directory target landlock") == with(both));
}

TEST_CASE("another architecture's calls, and x32's, mean something else") {
  for (const char* what : {"archive", "directory target landlock", "refuse"}) {
    auto data = call(SYS_read);
    CHECK(answer(what, data) == SECCOMP_RET_ALLOW);
    data.arch = kOther;
    CHECK(answer(what, data) == SECCOMP_RET_KILL_PROCESS);
    CHECK(answer(what, call(0x40000000 | SYS_read)) == SECCOMP_RET_KILL_PROCESS);
    CHECK(answer(what, call(-1)) == SECCOMP_RET_KILL_PROCESS);
  }
}

TEST_CASE("nothing is written but the answer") {
  for (const char* what : {"archive", "directory"}) {
    CHECK(allows(what, SYS_write, {1}));
    CHECK(allows(what, SYS_write, {2}));
    CHECK_FALSE(allows(what, SYS_write, {0}));
    CHECK_FALSE(allows(what, SYS_write, {3}));
    CHECK_FALSE(allows(what, SYS_writev, {1}));
    for (const std::uint64_t flags : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, O_TMPFILE | O_WRONLY, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW})
      CHECK(answer(what, call(SYS_openat, {3, 0, flags})) == SECCOMP_RET_KILL_PROCESS);
  }
  CHECK(allows("target", SYS_write, {7}));
}

TEST_CASE("files are opened where there is something to open") {
  const auto reading = call(SYS_openat, {3, 0, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY});
  CHECK(answer("archive", reading) == (kErrno | EACCES));
  CHECK(answer("directory", reading) == SECCOMP_RET_ALLOW);
  CHECK(answer("target", reading) == SECCOMP_RET_ALLOW);
  CHECK(allows("directory target", SYS_openat, {3, 0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600}));
  for (const std::uint64_t flags : {O_WRONLY, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, O_WRONLY | O_CREAT | O_NOFOLLOW, O_WRONLY | O_CREAT | O_EXCL,
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_TRUNC, O_WRONLY | O_APPEND, O_TMPFILE | O_WRONLY})
    CHECK_FALSE(allows("target", SYS_openat, {3, 0, flags}));
  // Its flags can't be seen: only where Landlock holds it back.
  CHECK(allows("target landlock", SYS_openat2));
  CHECK(answer("target", call(SYS_openat2)) == (kErrno | ENOSYS));
  CHECK_FALSE(allows("directory", SYS_openat2));
  CHECK_FALSE(allows("target", SYS_unlinkat, {3, 0, 0}));
  CHECK_FALSE(allows("target", SYS_linkat, {3, 0, 4, 0, AT_SYMLINK_FOLLOW}));
  CHECK_FALSE(allows("target", SYS_linkat, {3, 0, 4, 0, AT_EMPTY_PATH}));
}

TEST_CASE("threads yes, processes and namespaces no") {
  constexpr std::uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                    CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  CHECK(allows("archive", SYS_clone, {kThread}));
  for (const std::uint64_t flags : {std::uint64_t{17}, std::uint64_t{CLONE_VM | CLONE_VFORK | 17}, kThread & ~CLONE_THREAD, kThread & ~CLONE_VM,
                                    kThread | CLONE_NEWUSER, kThread | CLONE_NEWNET, kThread | CLONE_NEWNS, kThread | CLONE_PTRACE})
    CHECK_FALSE(allows("archive", SYS_clone, {flags}));
  CHECK(answer("archive", call(SYS_clone3)) == (kErrno | ENOSYS));
}

TEST_CASE("no memory to execute, no typing into the terminal, no signal to others") {
  CHECK(allows("archive", SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE}));
  CHECK_FALSE(allows("archive", SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}));
  CHECK_FALSE(allows("archive", SYS_mprotect, {0, 4096, PROT_EXEC}));
  CHECK(allows("archive", SYS_ioctl, {1, TIOCGWINSZ}));
  CHECK_FALSE(allows("archive", SYS_ioctl, {1, TIOCSTI}));
  CHECK(allows("archive", SYS_tgkill, {kPid, 1, 6}));
  CHECK_FALSE(allows("archive", SYS_tgkill, {kPid + 1, 1, 6}));
  CHECK_FALSE(allows("directory", SYS_fcntl, {3, F_SETFL}));
}

TEST_CASE("refusing instead of killing") {
  CHECK(answer("refuse", call(SYS_socket)) == (kErrno | EPERM));
  CHECK(answer("refuse", call(SYS_openat, {3, 0, O_RDWR})) == (kErrno | EPERM));
  CHECK(answer("refuse", call(SYS_read)) == SECCOMP_RET_ALLOW);
}
