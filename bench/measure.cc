// Runs a command some times and prints a line for each: its wall time, user and system CPU, peak memory, exit code. It is small itself,
// because ru_maxrss of a child is at least what its parent had in memory when it started it.
//
//     bench-measure TIMES COMMAND [ARGUMENT...]
//     12345678 7000 5000 13312 0          nsec usec usec KiB code
//
// Standard output of the command goes to /dev/null; standard input is read again from its start each time, where it is a file.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

long long nsec(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }
long long usec(const timeval& time) { return time.tv_sec * 1'000'000LL + time.tv_usec; }

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: bench-measure TIMES COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  for (int times = std::atoi(argv[1]); times > 0; --times) {
    ::lseek(STDIN_FILENO, 0, SEEK_SET);
    timespec begin{}, end{};
    ::clock_gettime(CLOCK_MONOTONIC, &begin);
    const pid_t child = ::fork();
    if (child == 0) {
      const int null = ::open("/dev/null", O_WRONLY);
      ::dup2(null, STDOUT_FILENO);
      ::close(null);
      ::execvp(argv[2], argv + 2);
      std::perror(argv[2]);
      std::_Exit(127);
    }
    int status = 0;
    rusage usage{};
    if (child < 0 || ::wait4(child, &status, 0, &usage) != child) {
      std::perror("bench-measure");
      return 1;
    }
    ::clock_gettime(CLOCK_MONOTONIC, &end);
    std::printf("%lld %lld %lld %ld %d\n", nsec(end) - nsec(begin), usec(usage.ru_utime), usec(usage.ru_stime), usage.ru_maxrss,
                WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return 0;
}
