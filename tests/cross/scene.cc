// A small scene for a machine that has nothing but this program: known sockets of each family, held in each way that takes no
// tool. Writes one line when all is there, then stays.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>
#include <thread>

namespace {

constexpr int kProtocolMptcp = 262;  // IPPROTO_MPTCP
constexpr unsigned kDemoUser = 1000;

int checked(int result, const char* what) {
  if (result < 0) {
    std::fprintf(stderr, "scene: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
  }
  return result;
}

sockaddr_in address4(unsigned short port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

sockaddr_in6 address6(unsigned short port, const in6_addr& host) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = host;
  return address;
}

template <class Address>
int bound(int family, int type, int protocol, const Address& address, socklen_t size = sizeof(Address)) {
  const int sock = checked(::socket(family, type, protocol), "socket");
  const int on = 1;
  ::setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  checked(::bind(sock, reinterpret_cast<const sockaddr*>(&address), size), "bind");
  return sock;
}

int listening(int sock, int backlog) {
  checked(::listen(sock, backlog), "listen");
  return sock;
}

template <class Address>
int connected(int type, const Address& address) {
  const int sock = checked(::socket(reinterpret_cast<const sockaddr*>(&address)->sa_family, type, 0), "socket");
  checked(::connect(sock, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return sock;
}

int accepted(int listener) { return checked(::accept(listener, nullptr, nullptr), "accept"); }

// True as soon as a TCP socket is in that state: the other end's segments take their time.
void wait_for_state(int sock, int state) {
  for (;;) {
    tcp_info info{};
    socklen_t size = sizeof info;
    checked(::getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size), "TCP_INFO");
    if (info.tcpi_state == state) return;
    ::usleep(1000);
  }
}

void tcp() {
  const int listener = listening(bound(AF_INET, SOCK_STREAM, 0, address4(8080)), 5);
  listening(bound(AF_INET6, SOCK_STREAM, 0, address6(8081, in6addr_any)), 7);
  // Established, with 5 bytes that nobody reads.
  const int client = connected(SOCK_STREAM, address4(8080));
  const int server = accepted(listener);
  checked(static_cast<int>(::write(client, "12345", 5)), "write");
  int waiting = 0;
  while (waiting != 5) checked(::ioctl(server, FIONREAD, &waiting), "FIONREAD");
  // One end closed: FIN-WAIT-2 and CLOSE-WAIT.
  const int closing = connected(SOCK_STREAM, address4(8080));
  const int left = accepted(listener);
  ::shutdown(closing, SHUT_WR);
  wait_for_state(closing, TCP_FIN_WAIT2);
  wait_for_state(left, TCP_CLOSE_WAIT);
  // Both ends closed: TIME-WAIT.
  const int first = connected(SOCK_STREAM, address4(8080));
  const int second = accepted(listener);
  ::shutdown(first, SHUT_WR);
  wait_for_state(second, TCP_CLOSE_WAIT);
  ::close(second);
  ::close(first);
  // In the accept queue.
  connected(SOCK_STREAM, address4(8080));
  // IPv6, over IPv6.
  const int listener6 = listening(bound(AF_INET6, SOCK_STREAM, 0, address6(8082, in6addr_loopback)), 3);
  connected(SOCK_STREAM, address6(8082, in6addr_loopback));
  accepted(listener6);
  listening(bound(AF_INET, SOCK_STREAM, kProtocolMptcp, address4(8083)), 9);
}

void datagrams() {
  bound(AF_INET, SOCK_DGRAM, 0, address4(5353));
  bound(AF_INET6, SOCK_DGRAM, 0, address6(5354, in6addr_loopback));
  connected(SOCK_DGRAM, address4(5353));
  checked(::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "raw");
  checked(::socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), "raw6");
}

void local() {
  sockaddr_un path{}, name{};
  path.sun_family = name.sun_family = AF_UNIX;
  std::strcpy(path.sun_path, "/run/scene.sock");
  std::memcpy(name.sun_path, "\0scene", 6);
  const int listener = listening(bound(AF_UNIX, SOCK_STREAM, 0, path), 4);
  bound(AF_UNIX, SOCK_DGRAM, 0, name, offsetof(sockaddr_un, sun_path) + 6);
  connected(SOCK_STREAM, path);
  accepted(listener);
  int pair[2];
  checked(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair");
}

void others() {
  sockaddr_ll link{};
  link.sll_family = AF_PACKET;
  link.sll_protocol = htons(0x0800);
  link.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
  bound(AF_PACKET, SOCK_RAW, 0, link);
  sockaddr_nl route{};
  route.nl_family = AF_NETLINK;
  route.nl_groups = RTMGRP_LINK;
  bound(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, route);
}

[[noreturn]] void stay() {
  for (;;) ::pause();
}

// A child whose name is `name`, once it has done what it is to do.
template <class Body>
void child(const char* name, const Body& body) {
  int ready[2];
  checked(::pipe(ready), "pipe");
  const pid_t pid = checked(::fork(), "fork");
  if (pid == 0) {
    ::prctl(PR_SET_NAME, name);
    body();
    checked(static_cast<int>(::write(ready[1], ".", 1)), "write");
    ::close(ready[0]);
    ::close(ready[1]);
    stay();
  }
  ::close(ready[1]);
  char byte;
  if (::read(ready[0], &byte, 1) != 1) std::exit(1);
  ::close(ready[0]);
}

void close_all() {
  for (int fd = STDERR_FILENO + 1; fd < 64; ++fd) ::close(fd);
}

}  // namespace

int main() {
  ::prctl(PR_SET_NAME, "scene");
  tcp();
  datagrams();
  local();
  others();
  child("inheritor", [] { checked(::setresuid(kDemoUser, kDemoUser, kDemoUser), "setresuid"); });
  child("elsewhere", [] {
    checked(::unshare(CLONE_NEWNET), "unshare");
    sockaddr_in6 any = address6(8084, in6addr_any);
    listening(bound(AF_INET6, SOCK_STREAM, 0, any), 1);
  });
  std::promise<void> done;
  std::thread([&] {
    checked(::unshare(CLONE_FILES), "unshare");
    close_all();
    listening(bound(AF_INET, SOCK_STREAM, 0, address4(8085)), 1);
    done.set_value();
    stay();
  }).detach();
  done.get_future().wait();
  std::puts("ready");
  std::fflush(stdout);
  stay();
}
