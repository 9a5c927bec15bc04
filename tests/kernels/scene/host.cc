#include "host.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "expect.h"

namespace scene {

bool kernel_is_at_least(int major, int minor) {
  utsname names{};
  checked(::uname(&names), "uname");
  int running_major = 0, running_minor = 0;
  if (std::sscanf(names.release, "%d.%d", &running_major, &running_minor) != 2) fail("release");
  return std::pair(running_major, running_minor) >= std::pair(major, minor);
}

bool lists_bound_sockets() { return kernel_is_at_least(6, 8); }

void write_file(const char* path, const char* text) {
  const int fd = checked(::open(path, O_WRONLY | O_CLOEXEC), path);
  if (::write(fd, text, std::strlen(text)) < 0) fail(path);
  ::close(fd);
}

void interface_up(const char* name) {
  const int fd = checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  checked(::ioctl(fd, SIOCGIFFLAGS, &request), "SIOCGIFFLAGS");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  checked(::ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
  ::close(fd);
}

}  // namespace scene
