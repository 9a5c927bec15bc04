// The families that only some kernels have. What /proc/net doesn't show, only netlink knows.
#include <linux/if_xdp.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "actors.h"
#include "expect.h"
#include "scenes.h"
#include "sockets.h"

namespace scene {
namespace {

// Newer than some headers.
constexpr int kDccp = 33, kSctp = 132, kMptcp = 262, kSockDccp = 6, kAfSmc = 43, kAfXdp = 44;
constexpr int kSolDccp = 269, kDccpSockoptService = 2, kSolXdp = 283;

void expect_in(Views views, Expected expected) {
  expected.views = views;
  expect(expected);
}

// A listener, and both ends of a connection to it. `type` and `protocol` as for socket(2).
struct Pair {
  int listener = -1, client = -1, server = -1;
};

Pair connected(const char* name, int family, int type, int protocol, int port) {
  const std::string address = family == AF_INET ? "127.0.0.1" : "::1";
  Pair out;
  out.listener = offered(family, type, protocol);
  if (out.listener < 0) {
    not_offered(name);
    return out;
  }
  out.client = made(family, type, protocol);
  if (protocol == kDccp) {
    for (const int fd : {out.listener, out.client}) set(fd, kSolDccp, kDccpSockoptService, htonl(42));
  }
  bind_to(out.listener, address, port);
  listen_with(out.listener, 5);
  bind_to(out.client, address, port + 20'000);
  connect_to(out.client, address, port);
  out.server = accepted(out.listener);
  return out;
}

// `family` where the kernel calls it otherwise than the socket itself does.
void expect_pair(const Pair& pair, const std::string& label, const char* protocol, Views views, const char* family = nullptr) {
  struct { int fd; const char *role, *state; } ends[] = {
      {pair.listener, " listener", "LISTEN"}, {pair.client, " client", "ESTAB"}, {pair.server, " server", "ESTAB"}};
  for (const auto& [fd, role, state] : ends) {
    Expected expected = held(label + role, fd, protocol, state);
    // /proc/net/sctp/eps has no column for the peer that a listener has not.
    if (fd == pair.listener) expected.peer.clear();
    if (family != nullptr) expected.family = family;
    expected.views = views;
    expect(expected);
  }
}

void sctp(Stage&) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Pair pair = connected("sctp", family, SOCK_STREAM, kSctp, 5001);
    if (pair.listener < 0) return;
    expect_pair(pair, "sctp", "sctp", Views::both);
  }
}

void dccp(Stage&) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Pair pair = connected("dccp", family, kSockDccp, kDccp, 5011);
    if (pair.listener < 0) return;
    // A client is in PARTOPEN until it hears from the server.
    send_unread(pair.server, pair.client);
    expect_pair(pair, "dccp", "dccp", Views::netlink);
  }
}

void mptcp(Stage&) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Pair pair = connected("mptcp", family, SOCK_STREAM, kMptcp, 5021);
    if (pair.listener < 0) return;
    expect_pair(pair, "mptcp", "mptcp", Views::netlink);
  }
}

// Without its hardware a connection of SMC falls back to the TCP socket that it has below.
void smc(Stage&) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(5051);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  const int listener = offered(kAfSmc, SOCK_STREAM, 0);
  if (listener < 0) {
    not_offered("smc");
    return;
  }
  checked(::bind(listener, where, sizeof address), "bind SMC");
  listen_with(listener, 5);
  const int client = made(kAfSmc, SOCK_STREAM);
  checked(::connect(client, where, sizeof address), "connect SMC");
  const int server = accepted(listener);
  // The ends of a connection that fell back say that they are TCP.
  expect_pair({listener, client, server}, "smc", "stream", Views::netlink, "smc");
}

void vsock(Stage&) {
  const int listener = offered(AF_VSOCK, SOCK_STREAM, 0);
  if (listener < 0) {
    not_offered("vsock");
    return;
  }
  constexpr unsigned kLoopback = 1;  // VMADDR_CID_LOCAL
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = VMADDR_CID_ANY;
  address.svm_port = 5031;
  checked(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind vsock");
  listen_with(listener, 5);
  const int client = made(AF_VSOCK, SOCK_STREAM);
  address.svm_cid = kLoopback;
  checked(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect vsock");
  const int server = accepted(listener);
  expect_pair({listener, client, server}, "vsock", "stream", Views::netlink);
}

void xdp(Stage&) {
  const int fd = offered(kAfXdp, SOCK_RAW, 0);
  if (fd < 0) {
    not_offered("xdp");
    return;
  }
  constexpr std::size_t kBytes = 1 << 16;
  void* const memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  // As its first kernel took it (linux/if_xdp.h of 4.18).
  struct { std::uint64_t address, bytes; std::uint32_t chunk_bytes, headroom; } area{
      reinterpret_cast<std::uint64_t>(memory), kBytes, 4096, 0};
  checked(::setsockopt(fd, kSolXdp, XDP_UMEM_REG, &area, sizeof area), "XDP_UMEM_REG");
  for (const int which : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING}) set(fd, kSolXdp, which, 64);
  sockaddr_xdp address{};
  address.sxdp_family = kAfXdp;
  address.sxdp_flags = XDP_COPY;
  address.sxdp_ifindex = ::if_nametoindex("lo");
  checked(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind XDP");
  expect_in(Views::netlink, held("xdp", fd, "raw", ""));
}

void tipc(Stage&) {
  const int service = offered(AF_TIPC, SOCK_SEQPACKET, 0);
  if (service < 0) {
    not_offered("tipc");
    return;
  }
  sockaddr_tipc address{};
  address.family = AF_TIPC;
  address.addrtype = TIPC_SERVICE_RANGE;
  address.scope = TIPC_NODE_SCOPE;
  address.addr.nameseq = {.type = 5041, .lower = 1, .upper = 1};
  checked(::bind(service, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind TIPC");
  listen_with(service, 0);
  // A connection is made when it is accepted.
  const int client = made(AF_TIPC, SOCK_SEQPACKET | SOCK_NONBLOCK);
  address.addrtype = TIPC_SERVICE_ADDR;
  address.addr.name = {.name = {.type = 5041, .instance = 1}, .domain = 0};
  if (::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno != EINPROGRESS) fail("connect TIPC");
  const int server = accepted(service);
  pollfd made_one{.fd = client, .events = POLLOUT, .revents = 0};
  checked(::poll(&made_one, 1, -1), "poll");
  expect_in(Views::netlink, held("tipc listener", service, "seqpacket", "LISTEN"));
  expect_in(Views::netlink, held("tipc client", client, "seqpacket", "ESTAB"));
  expect_in(Views::netlink, held("tipc server", server, "seqpacket", "ESTAB"));
  const int datagrams = made(AF_TIPC, SOCK_RDM);
  expect_in(Views::netlink, held("tipc datagrams", datagrams, "rdm", ""));
}

}  // namespace

void perform_families() {
  perform("sctp", sctp);
  perform("dccp", dccp);
  perform("mptcp", mptcp);
  perform("smc", smc);
  perform("vsock", vsock);
  perform("xdp", xdp);
  perform("tipc", tipc);
}

}  // namespace scene
