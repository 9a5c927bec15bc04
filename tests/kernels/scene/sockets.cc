#include "sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "expect.h"

namespace scene {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

int domain_of(int fd) {
  int family = 0;
  socklen_t length = sizeof family;
  checked(::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length), "SO_DOMAIN");
  return family;
}

Address ip(int family, std::string_view text, int port) {
  Address out;
  const std::string terminated(text);
  out.storage.ss_family = static_cast<sa_family_t>(family);
  int understood = 0;
  if (family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(out.storage);
    in.sin_port = htons(static_cast<std::uint16_t>(port));
    understood = ::inet_pton(family, terminated.c_str(), &in.sin_addr);
    out.length = sizeof in;
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(out.storage);
    in6.sin6_port = htons(static_cast<std::uint16_t>(port));
    understood = ::inet_pton(family, terminated.c_str(), &in6.sin6_addr);
    out.length = sizeof in6;
  }
  if (understood != 1) fail("address");
  return out;
}

Address unix_name(std::string_view name) {
  Address out;
  auto& un = reinterpret_cast<sockaddr_un&>(out.storage);
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, name.data(), name.size());
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (name.front() == '@') {
    un.sun_path[0] = '\0';
  } else {
    ++out.length;
  }
  return out;
}

}  // namespace

int offered(int family, int type, int protocol) {
  const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
  const bool isnt = errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT || errno == ENOPROTOOPT;
  if (fd < 0 && !isnt) fail("socket");
  return fd;
}

int made(int family, int type, int protocol) { return checked(offered(family, type, protocol), "socket"); }

void set(int fd, int level, int option, int value) {
  checked(::setsockopt(fd, level, option, &value, sizeof value), "setsockopt");
}

void bind_to(int fd, std::string_view address, int port) {
  Address to = ip(domain_of(fd), address, port);
  checked(::bind(fd, to.get(), to.length), "bind");
}

void connect_to(int fd, std::string_view address, int port) {
  Address to = ip(domain_of(fd), address, port);
  checked(::connect(fd, to.get(), to.length), "connect");
}

void connect_without_waiting(int fd, std::string_view address, int port) {
  Address to = ip(domain_of(fd), address, port);
  checked(::fcntl(fd, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  if (::connect(fd, to.get(), to.length) == 0 || errno != EINPROGRESS) fail("connect");
}

void listen_with(int fd, int backlog) { checked(::listen(fd, backlog), "listen"); }

int accepted(int listener) { return checked(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept"); }

int tcp_listener(std::string_view address, int port, int backlog, int family) {
  const int fd = made(family, SOCK_STREAM);
  if (family == AF_INET6 && address != "::") set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  bind_to(fd, address, port);
  listen_with(fd, backlog);
  return fd;
}

void send_unread(int from, int to) {
  char word[6];
  checked(static_cast<int>(::send(from, "unread", sizeof word, 0)), "send");
  checked(static_cast<int>(::recv(to, word, sizeof word, MSG_PEEK)), "peek");  // it has arrived
}

void bind_to_name(int fd, std::string_view name) {
  Address to = unix_name(name);
  checked(::bind(fd, to.get(), to.length), "bind a UNIX socket");
}

void connect_to_name(int fd, std::string_view name) {
  Address to = unix_name(name);
  checked(::connect(fd, to.get(), to.length), "connect a UNIX socket");
}

}  // namespace scene
