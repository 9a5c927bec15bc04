// Every way to hold a socket: docs of each in README, "Whose is it".
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "actors.h"
#include "expect.h"
#include "host.h"
#include "scenes.h"
#include "sockets.h"

namespace scene {
namespace {

constexpr int kChildren = 3;

pid_t thread_id() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

// Workers that inherit a listener, as servers have them.
void forked(Stage& stage) {
  Expected expected = held("listener of forked workers", tcp_listener("0.0.0.0", 8080, 16), "tcp", "LISTEN");
  const int fd = expected.owners.front().fds.front();
  for (int i = 0; i < kChildren; ++i) {
    const pid_t pid = checked(::fork(), "fork");
    if (pid == 0) {
      stage.leave();
      stay();
    }
    expected.owners.push_back({.pid = pid, .fds = {fd}});
  }
  expect(expected);
}

// A thread's own table: the process's has no such descriptor.
void own_table(Stage& stage) {
  std::thread([&stage] {
    checked(::unshare(CLONE_FILES), "unshare");
    Expected expected = held("of a thread's own table", tcp_listener("127.0.0.1", 4001, 8), "tcp", "LISTEN");
    expected.owners.front().via = "thread-fd";
    expected.owners.front().tid = thread_id();
    expect(expected);
    stage.ready();
    stay();
  }).join();
}

// The main thread ends, and a thread lives on with what they shared.
void without_leader(Stage& stage) {
  const int fd = tcp_listener("127.0.0.1", 4002, 8);
  std::thread([&stage, fd] {
    Expected expected = held("of a process without leader", fd, "tcp", "LISTEN");
    expected.owners.front().via = "thread-fd";
    expected.owners.front().tid = thread_id();
    // The leader is a zombie from the moment on that its table is gone; before, a capture would find it there.
    while (::access("/proc/self/fd/0", F_OK) == 0) std::this_thread::yield();
    expect(expected);
    stage.ready();
    stay();
  }).detach();
  ::syscall(SYS_exit, 0);
}

// Registered with an io_uring, and its descriptor closed.
void ring(Stage&) {
  io_uring_params parameters{};
  const int fd = static_cast<int>(::syscall(SYS_io_uring_setup, 4, &parameters));
  if (fd < 0) {
    not_offered("io_uring");
    return;
  }
  const int listener = tcp_listener("127.0.0.1", 4003, 8);
  Expected expected = held("in an io_uring", listener, "tcp", "LISTEN");
  const int files[] = {-1, listener};
  checked(static_cast<int>(::syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, files, 2)), "io_uring_register");
  ::close(listener);
  // Which socket is there is told since 6.18; before, that it is one of TCP.
  expected.owners = {{.pid = ::getpid(), .fds = {fd}, .via = "io_uring"}};
  if (!kernel_is_at_least(6, 18)) {
    expected.owners.front().certainty = "possible";
    expected.reason = "uncertain";
  }
  expect(expected);
}

// A ring of a packet socket mapped into memory, and its descriptor closed.
void mapped(Stage&) {
  const int fd = made(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
  checked(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind a packet socket");
  set(fd, SOL_PACKET, PACKET_VERSION, TPACKET_V2);
  const tpacket_req geometry{.tp_block_size = 4096, .tp_block_nr = 4, .tp_frame_size = 2048, .tp_frame_nr = 8};
  checked(::setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &geometry, sizeof geometry), "PACKET_RX_RING");
  if (::mmap(nullptr, 4 * 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) fail("mmap");
  Expected expected = held("mapped packet ring", fd, "raw", "UNCONN");
  expected.owners.front().via = "mmap";
  expected.owners.front().fds.clear();
  ::close(fd);
  expect(expected);
}

// Sent over a UNIX socket, and not received.
void in_flight(Stage&) {
  int ends[2];
  checked(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
  const int sent = tcp_listener("127.0.0.1", 4004, 8);
  char word = 'x';
  iovec data{.iov_base = &word, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof sent)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof sent);
  std::memcpy(CMSG_DATA(header), &sent, sizeof sent);
  checked(static_cast<int>(::sendmsg(ends[0], &message, 0)), "sendmsg");
  Expected expected = held("in flight", sent, "tcp", "LISTEN");
  expected.owners = {{.pid = ::getpid(), .fds = {ends[1]}, .via = "in-flight", .certainty = "possible"}};
  expected.reason = "uncertain";
  ::close(sent);
  expect(expected);
  for (const int end : ends) expect(held("unix pair with a message", end, "stream", "ESTAB"));
}

// Connections that nobody has accepted: they have no inode, and who holds the listener may take them.
void waiting(Stage&) {
  const int listener = tcp_listener("127.0.0.1", 4005, 8), client = made(AF_INET, SOCK_STREAM);
  bind_to(client, "127.0.0.1", 24005);
  connect_to(client, "127.0.0.1", 4005);
  expect(held("listener with a queue", listener, "tcp", "LISTEN"));
  expect(held("client in a queue", client, "tcp", "ESTAB"));
  Expected expected = held("in an accept queue", listener, "tcp", "ESTAB");
  expected.peer = ip_end("127.0.0.1", 24005);
  expected.inode = 0;
  expected.owners = {{.pid = ::getpid(), .fds = {}, .via = "listener"}};
  expect(expected);

  const int queue = made(AF_UNIX, SOCK_STREAM), near = made(AF_UNIX, SOCK_STREAM);
  bind_to_name(queue, "/run/demo/queue");
  listen_with(queue, 4);
  connect_to_name(near, "/run/demo/queue");
  expect(held("unix listener with a queue", queue, "stream", "LISTEN"));
  expect(held("unix client in a queue", near, "stream", "ESTAB"));
  expected = held("unix, in an accept queue", queue, "stream", "ESTAB");
  expected.inode = 0;
  expected.owners = {{.pid = ::getpid(), .fds = {}, .via = "listener"}};
  expected.views = Views::procfs;  // unix_diag passes over sockets without inode
  expect(expected);
}

void elsewhere(Stage&) {
  checked(::unshare(CLONE_NEWNET), "unshare");
  interface_up("lo");
  expect(held("in another namespace", tcp_listener("127.0.0.1", 4006, 8), "tcp", "LISTEN"));
}

// Only a thread is in another namespace.
void thread_elsewhere(Stage& stage) {
  std::thread([&stage] {
    checked(::unshare(CLONE_NEWNET), "unshare");
    interface_up("lo");
    expect(held("of a thread in another namespace", tcp_listener("127.0.0.1", 4007, 8), "tcp", "LISTEN"));
    stage.ready();
    stay();
  }).join();
}

// The socket's user is who made it; its process is another's by now.
void other_user(Stage&) {
  const int fd = tcp_listener("127.0.0.1", 80, 8);
  constexpr int kUser = 1000;
  checked(::setgid(kUser), "setgid");
  checked(::setuid(kUser), "setuid");
  expect(held("of a process that became another's", fd, "tcp", "LISTEN"));
}

}  // namespace

void perform_owners() {
  perform("prefork", forked);
  perform("own table", own_table);
  perform("leaderless", without_leader);
  perform("ring", ring);
  perform("mapped", mapped);
  perform("in flight", in_flight);
  perform("waiting", waiting);
  perform("elsewhere", elsewhere);
  perform("half elsewhere", thread_elsewhere);
  perform("other user", other_user);
}

}  // namespace scene
