#include "sandbox/system_calls.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace ssnap::sandbox {
namespace {

// The numbers below are those of one architecture and one way to call the kernel; a filter that doesn't check both would let
// others through by their meaning in this table.
#if defined(__x86_64__) && defined(__LP64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__) && defined(__LP64__) && !defined(__AARCH64EB__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_RISCV64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif
// x32 calls of x86-64 are told by this bit alone (arch/x86/include/uapi/asm/unistd.h).
constexpr std::uint32_t kX32Bit = 0x40000000;

enum class When : std::uint8_t {
  always,
  nothing_to_open,
  directory,
  target,
  directory_or_target,
  no_target,
  target_and_landlock,
  target_without_landlock,
};

// Of the low half of an argument: `(argument & mask) == value`. The kernel takes each of those that are looked at as 32 bits
// wide, or looks at no others.
struct Condition {
  std::uint8_t argument;
  std::uint32_t mask, value;
};

struct Row {
  When when;
  long number;
  std::optional<Condition> condition;  // of several rows for one call, any
  int answer = 0;                      // an errno instead of the call
};

constexpr std::uint32_t kAllBits = 0xffffffff;
constexpr Condition is(std::uint8_t argument, std::uint32_t value) { return {argument, kAllBits, value}; }
constexpr Condition lacks(std::uint8_t argument, std::uint32_t bits) { return {argument, bits, 0}; }

// What makes openat() more than an opening for reading. O_TMPFILE has bits of O_DIRECTORY, which is allowed.
constexpr std::uint32_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
constexpr std::uint32_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
constexpr std::uint32_t kNotThread = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                     CLONE_NEWNET | CLONE_PTRACE | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD;

// The list. Each group with its reason; docs/adr/0015 has the same in words.
std::vector<Row> rows(std::uint32_t pid) {
  using enum When;
  return {
      // Input is read, from what is open already. Nothing is written but the answer and messages; glibc's words before abort()
      // come by writev().
      {always, SYS_read, {}},
      {no_target, SYS_write, is(0, STDOUT_FILENO)},
      {no_target, SYS_write, is(0, STDERR_FILENO)},
      {target, SYS_write, {}},
      {always, SYS_writev, is(0, STDERR_FILENO)},
      {always, SYS_close, {}},
      {always, SYS_fstat, {}},

      // malloc and the stacks of threads. No memory that can be executed comes to be.
      {always, SYS_brk, {}},
      {always, SYS_mmap, lacks(2, PROT_EXEC)},
      {always, SYS_mprotect, lacks(2, PROT_EXEC)},
      {always, SYS_munmap, {}},
      {always, SYS_mremap, {}},
      {always, SYS_madvise, {}},

      // Threads of this process, nothing else that clone() makes. What clone3() is to make stands in memory, which a filter
      // can't read; glibc takes clone() where it is told that there is no clone3(). rt_sigaction: glibc's own signals, before
      // the first thread.
      {always, SYS_clone, Condition{0, kThread | kNotThread, kThread}},
      {always, SYS_clone3, {}, ENOSYS},
      {always, SYS_set_robust_list, {}},
      {always, SYS_rseq, {}},
      {always, SYS_futex, {}},
      {always, SYS_sched_yield, {}},
      {always, SYS_sched_getaffinity, {}},
      {always, SYS_rt_sigprocmask, {}},
      {always, SYS_rt_sigaction, {}},
      {always, SYS_rt_sigreturn, {}},
      {always, SYS_restart_syscall, {}},
      {always, SYS_exit, {}},

      // Clocks, where the vDSO has none. Ends: exit(), and abort(), which signals the process itself.
      {always, SYS_clock_gettime, {}},
      {always, SYS_exit_group, {}},
      {always, SYS_getpid, {}},
      {always, SYS_gettid, {}},
      {always, SYS_tgkill, is(0, pid)},

      // Whether standard output is a terminal, and how wide. TIOCSTI, which types into it, is another request.
      {always, SYS_ioctl, is(1, TCGETS)},
      {always, SYS_ioctl, is(1, TIOCGWINSZ)},

      // Without a directory there is nothing to open. glibc tries to, for the number of processors, and does without.
      {nothing_to_open, SYS_openat, lacks(2, kWriting), EACCES},

      // A directory is walked: what is below it opened for reading, listed, looked at, its links read (fcntl: fdopendir()).
      {directory_or_target, SYS_openat, lacks(2, kWriting)},
      {directory, SYS_newfstatat, {}},
      {directory, SYS_readlinkat, {}},
      {directory, SYS_getdents64, {}},
      {directory, SYS_fcntl, is(1, F_GETFL)},
      {directory, SYS_fcntl, is(1, F_SETFD)},

      // A tree is made: files that are not there yet, directories, links; an empty directory is removed. openat2() can't be
      // checked here: where Landlock doesn't, it is said not to be there, and openat() is.
      {target, SYS_openat, Condition{2, kWriting | O_EXCL | O_NOFOLLOW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW}},
      {target_and_landlock, SYS_openat2, {}},
      {target_without_landlock, SYS_openat2, {}, ENOSYS},
      {target, SYS_mkdirat, {}},
      {target, SYS_symlinkat, {}},
      {target, SYS_linkat, lacks(4, AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)},
      {target, SYS_unlinkat, is(2, AT_REMOVEDIR)},
  };
}

bool applies(When when, const SystemCallNeeds& needs) {
  switch (when) {
    case When::always: return true;
    case When::nothing_to_open: return !needs.directories && !needs.target;
    case When::directory: return needs.directories;
    case When::target: return needs.target;
    case When::directory_or_target: return needs.directories || needs.target;
    case When::no_target: return !needs.target;
    case When::target_and_landlock: return needs.target && needs.landlock;
    case When::target_without_landlock: return needs.target && !needs.landlock;
  }
  return false;
}

constexpr sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
constexpr sock_filter answer(std::uint32_t value) { return BPF_STMT(BPF_RET | BPF_K, value); }
// Goes on with the next instruction if equal, else skips `otherwise` of them.
constexpr sock_filter if_equal(std::uint32_t value, std::size_t otherwise) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<std::uint8_t>(otherwise));
}

// The low half of an argument in struct seccomp_data. The architectures above are little-endian.
constexpr std::size_t offset_of_argument(unsigned index) { return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t); }
static_assert(kArchitecture == 0 || std::endian::native == std::endian::little);

std::uint32_t allowed(const Row& row) {
  return row.answer == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(row.answer) & SECCOMP_RET_DATA);
}

}  // namespace

std::vector<sock_filter> system_call_filter(const SystemCallNeeds& needs, unsigned pid) {
  if (kArchitecture == 0) return {};
  std::vector<Row> list = rows(pid);
  std::erase_if(list, [&](const Row& row) { return !applies(row.when, needs); });
  std::stable_sort(list.begin(), list.end(), [](const Row& a, const Row& b) { return a.number < b.number; });

  const sock_filter refuse = answer(needs.refuse_unlisted ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS);
  std::vector<sock_filter> program{
      load(offsetof(seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0), answer(SECCOMP_RET_KILL_PROCESS),
      load(offsetof(seccomp_data, nr)),   BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 0, 1),       answer(SECCOMP_RET_KILL_PROCESS)};
  for (auto row = list.begin(); row != list.end();) {
    std::vector<sock_filter> block;
    const long number = row->number;
    for (; row != list.end() && row->number == number; ++row) {
      if (row->condition) {
        block.push_back(load(offset_of_argument(row->condition->argument)));
        block.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, row->condition->mask));
        block.push_back(if_equal(row->condition->value, 1));
      }
      block.push_back(answer(allowed(*row)));
    }
    block.push_back(refuse);
    program.push_back(if_equal(static_cast<std::uint32_t>(number), block.size()));
    program.insert(program.end(), block.begin(), block.end());
  }
  program.push_back(refuse);
  return program;
}

bool restrict_system_calls(const SystemCallNeeds& needs) {
  std::vector<sock_filter> program = system_call_filter(needs, static_cast<unsigned>(::getpid()));
  if (program.empty()) return false;
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

int seccomp_error() {
  if (kArchitecture == 0) return ENOTSUP;
  // There is no filter at this address, and a kernel that would take one says so.
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nullptr) == 0) return 0;
  return errno == EFAULT ? 0 : errno;
}

}  // namespace ssnap::sandbox
