// What every kernel has had for a long time, and /proc/net shows as well.
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <unistd.h>

#include <string>

#include "actors.h"
#include "expect.h"
#include "host.h"
#include "scenes.h"
#include "sockets.h"

namespace scene {
namespace {

constexpr int kUdplite = 136, kOspf = 89, kIcmp = IPPROTO_ICMP, kIcmp6 = IPPROTO_ICMPV6;

void listeners_and_connections(Stage&) {
  const int any4 = tcp_listener("0.0.0.0", 1001, 7), one4 = tcp_listener("127.0.0.1", 1002, 8);
  const int dual = tcp_listener("::", 1003, 9, AF_INET6), one6 = tcp_listener("::1", 1004, 10, AF_INET6);
  for (const int fd : {any4, one4, dual, one6}) expect(held("listener", fd, "tcp", "LISTEN"));

  // IPv4 to a listener of IPv6: its end has a mapped address.
  struct { const char* label; int listener, family; const char* address; int listener_port, port; } connections[] = {
      {"v4", one4, AF_INET, "127.0.0.1", 1002, 21002},
      {"v6", one6, AF_INET6, "::1", 1004, 21004},
      {"mapped", dual, AF_INET, "127.0.0.1", 1003, 21003},
  };
  for (const auto& [label, listener, family, address, listener_port, port] : connections) {
    const int near = made(family, SOCK_STREAM);
    bind_to(near, address, port);
    connect_to(near, address, listener_port);
    const int far = accepted(listener);
    send_unread(near, far);
    expect(held(std::string("client ") + label, near, "tcp", "ESTAB"));
    expect(held(std::string("server ") + label, far, "tcp", "ESTAB"));
  }

  for (int i = 0; i < 2; ++i) {
    const int twin = made(AF_INET, SOCK_STREAM);
    set(twin, SOL_SOCKET, SO_REUSEPORT, 1);
    bind_to(twin, "127.0.0.1", 1006);
    listen_with(twin, 12);
    expect(held("reuse-port twin", twin, "tcp", "LISTEN"));
  }

  for (const int family : {AF_INET, AF_INET6}) {
    const int bound = made(family, SOCK_STREAM);
    bind_to(bound, family == AF_INET ? "127.0.0.1" : "::1", 1007);
    Expected expected = held("bound", bound, "tcp", lists_bound_sockets() ? "BOUND-INACTIVE" : "UNCONN");
    expected.views = lists_bound_sockets() ? Views::netlink : Views::none;
    expect(expected);
  }
}

void datagrams(Stage&) {
  // Echo requests of users (net/ipv4/ping.c) are for a range of groups that is empty by default.
  write_file("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  struct { const char* label; int protocol; const char* name; int port; } kinds[] = {
      {"udp", 0, "udp", 2001}, {"udplite", kUdplite, "udplite", 2011}, {"ping", kIcmp, "icmp", 2021}};
  for (const auto& [label, protocol, name, first_port] : kinds) {
    for (const int family : {AF_INET, AF_INET6}) {
      // /proc/net/icmp6 repeats ping sockets of IPv4 that share a hash chain with one of IPv6 (net/ipv4/ping.c,
      // ping_get_next): they have identifiers of their own.
      const int port = first_port + (protocol == kIcmp && family == AF_INET6 ? 10 : 0);
      const std::string address = family == AF_INET ? "127.0.0.1" : "::1", any = family == AF_INET ? "0.0.0.0" : "::";
      const int kind = protocol == kIcmp && family == AF_INET6 ? kIcmp6 : protocol;
      const Views views = kind == kIcmp || kind == kIcmp6 ? Views::procfs : Views::both;
      const int bound = offered(family, SOCK_DGRAM, kind);
      if (bound < 0) {
        not_offered(name);
        continue;
      }
      if (family == AF_INET6) set(bound, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      bind_to(bound, any, port);
      Expected expected = held(label, bound, name, "UNCONN");
      expected.views = views;
      expect(expected);
      const int connected = made(family, SOCK_DGRAM, kind);
      bind_to(connected, address, port + 1);
      connect_to(connected, address, port);
      expected = held(std::string(label) + " connected", connected, name, "ESTAB");
      // The "ports" of a ping socket are one: the identifier of its echo requests.
      if (views == Views::procfs) expected.peer = "{}";
      expected.views = views;
      expect(expected);
      if (views == Views::both) send_unread(connected, bound);
    }
  }
  const int on_lo = made(AF_INET, SOCK_DGRAM);
  checked(::setsockopt(on_lo, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), "SO_BINDTODEVICE");
  bind_to(on_lo, "127.0.0.1", 2005);
  expect(held("udp on lo", on_lo, "udp", "UNCONN"));
}

void raw(Stage&) {
  for (const int family : {AF_INET, AF_INET6}) {
    const std::string address = family == AF_INET ? "127.0.0.1" : "::1";
    const int open = made(family, SOCK_RAW, family == AF_INET ? kIcmp : kIcmp6);
    Expected expected = held("raw", open, "raw", "UNCONN");
    expected.local = expected.peer = ip_end(family == AF_INET ? "0.0.0.0" : "::");  // the kernel has the protocol as its port
    expect(expected);
    const int connected = made(family, SOCK_RAW, kOspf);
    connect_to(connected, address, 0);
    expected = held("raw connected", connected, "raw", "ESTAB");
    expected.local = expected.peer = ip_end(address);
    expect(expected);
  }
}

void local(Stage&) {
  for (const char* name : {"/run/demo/stream", "@kernel-scene"}) {
    const int server = made(AF_UNIX, SOCK_STREAM);
    bind_to_name(server, name);
    listen_with(server, 13);
    const int client = made(AF_UNIX, SOCK_STREAM);
    connect_to_name(client, name);
    const int far = accepted(server);
    send_unread(client, far);
    expect(held("unix listener", server, "stream", "LISTEN"));
    expect(held("unix client", client, "stream", "ESTAB"));
    expect(held("unix accepted", far, "stream", "ESTAB"));
  }
  struct { int type; const char* name; } types[] = {{SOCK_STREAM, "stream"}, {SOCK_DGRAM, "dgram"}, {SOCK_SEQPACKET, "seqpacket"}};
  for (const auto& [type, name] : types) {
    int ends[2];
    checked(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), "socketpair");
    // Datagram pairs say so since 5.15 (net/unix/af_unix.c, unix_socketpair).
    const bool is_established = type != SOCK_DGRAM || kernel_is_at_least(5, 15);
    for (const int end : ends) expect(held("unix pair", end, name, is_established ? "ESTAB" : "UNCONN"));
  }
  const int bound = made(AF_UNIX, SOCK_DGRAM);
  bind_to_name(bound, "/run/demo/dgram");
  expect(held("unix dgram", bound, "dgram", "UNCONN"));
  const int packets = made(AF_UNIX, SOCK_SEQPACKET);
  bind_to_name(packets, "/run/demo/packets");
  listen_with(packets, 14);
  expect(held("unix seqpacket listener", packets, "seqpacket", "LISTEN"));
}

void packets(Stage&) {
  const auto bind_to_lo = [](int fd, int ethertype) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(static_cast<std::uint16_t>(ethertype));
    address.sll_ifindex = static_cast<int>(::if_nametoindex("lo"));
    checked(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind a packet socket");
  };
  // Nothing sends what they wait for: their queues stay as they are while SCTP's heartbeats go over lo.
  constexpr int kLocalExperiment = 0x88b5;  // IEEE 802
  const int tap = made(AF_PACKET, SOCK_RAW);
  bind_to_lo(tap, kLocalExperiment);
  Expected expected = held("packet on lo", tap, "raw", "UNCONN");
  expected.local = R"({"interface": "lo"})";
  expect(expected);
  const int cooked = made(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ARP));
  expect(held("packet, cooked", cooked, "dgram", "UNCONN"));
}

void netlink(Stage&) {
  const auto bind_to_port = [](int fd, std::uint32_t port, std::uint32_t groups) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_pid = port;
    address.nl_groups = groups;
    checked(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind a netlink socket");
  };
  struct { int protocol; const char* name; std::uint32_t port, groups; } kinds[] = {
      {NETLINK_ROUTE, "route", 0x1000, 0x11}, {NETLINK_GENERIC, "generic", 0x7abcdef0, 0}, {NETLINK_KOBJECT_UEVENT, "uevent", 0x1002, 1}};
  for (const auto& [protocol, name, port, groups] : kinds) {
    const int fd = made(AF_NETLINK, SOCK_RAW, protocol);
    bind_to_port(fd, port, groups);
    Expected expected = held(std::string("netlink ") + name, fd, name, "");
    expected.peer.clear();  // the kernel: of none or of port 0, as kernels and views have it
    expect(expected);
  }
}

}  // namespace

void perform_sockets() {
  perform("tcp", listeners_and_connections);
  perform("datagrams", datagrams);
  perform("raw", raw);
  perform("unix", local);
  perform("packets", packets);
  perform("netlink", netlink);
}

}  // namespace scene
