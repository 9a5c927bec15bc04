#include "tun_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "expect.h"
#include "host.h"

namespace scene {
namespace {

constexpr const char* kDevice = "scene0";
constexpr int kTcpBytes = 20, kIpv4Bytes = 20, kIpv6Bytes = 40;

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

std::uint32_t get16(const std::uint8_t* at) { return static_cast<std::uint32_t>(at[0]) << 8 | at[1]; }
std::uint32_t get32(const std::uint8_t* at) { return get16(at) << 16 | get16(at + 2); }

// RFC 1071, of an even number of bytes.
std::uint16_t checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 2) sum += get16(&bytes[at]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set16(Bytes& bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

Bytes address(int family, const char* text) {
  Bytes out(family == AF_INET ? 4 : 16);
  if (::inet_pton(family, text, out.data()) != 1) fail("address");
  return out;
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

void add_addresses() {
  const int four = checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  ifreq request{};
  std::strncpy(request.ifr_name, kDevice, sizeof request.ifr_name - 1);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  std::memcpy(&in.sin_addr, address(AF_INET, TunPeer::near_address(AF_INET)).data(), sizeof in.sin_addr);
  std::memcpy(&request.ifr_addr, &in, sizeof in);
  checked(::ioctl(four, SIOCSIFADDR, &request), "SIOCSIFADDR");
  in.sin_addr.s_addr = htonl(0xffffff00);
  std::memcpy(&request.ifr_netmask, &in, sizeof in);
  checked(::ioctl(four, SIOCSIFNETMASK, &request), "SIOCSIFNETMASK");
  ::close(four);

  const int six = checked(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  in6_ifreq request6{};
  std::memcpy(&request6.ifr6_addr, address(AF_INET6, TunPeer::near_address(AF_INET6)).data(), sizeof request6.ifr6_addr);
  request6.ifr6_prefixlen = 64;
  request6.ifr6_ifindex = static_cast<int>(::if_nametoindex(kDevice));
  checked(::ioctl(six, SIOCSIFADDR, &request6), "SIOCSIFADDR of IPv6");
  ::close(six);
}

}  // namespace

const char* TunPeer::near_address(int family) { return family == AF_INET ? "198.51.100.1" : "2001:db8::1"; }
const char* TunPeer::far_address(int family) { return family == AF_INET ? "198.51.100.2" : "2001:db8::2"; }

TunPeer::TunPeer() : fd_(checked(::open("/dev/net/tun", O_RDWR | O_CLOEXEC), "/dev/net/tun")) {
  ifreq request{};
  std::strncpy(request.ifr_name, kDevice, sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  checked(::ioctl(fd_, TUNSETIFF, &request), "TUNSETIFF");
  interface_up(kDevice);
  add_addresses();
}

void TunPeer::send(int family, const Segment& segment) const {
  const Bytes near = address(family, near_address(family)), far = address(family, far_address(family));
  Bytes tcp;
  put16(tcp, segment.far_port);
  put16(tcp, segment.near_port);
  put32(tcp, segment.sequence);
  put32(tcp, segment.acknowledged);
  put16(tcp, 5u << 12 | segment.flags);
  put16(tcp, 65535);  // window
  put32(tcp, 0);      // checksum, urgent pointer
  Bytes pseudo = far;
  append(pseudo, near);
  put32(pseudo, kTcpBytes);
  put32(pseudo, IPPROTO_TCP);
  append(pseudo, tcp);
  set16(tcp, 16, checksum(pseudo));

  Bytes packet;
  constexpr std::uint32_t kHops = 64;
  if (family == AF_INET) {
    put16(packet, 0x4500);
    put16(packet, kIpv4Bytes + kTcpBytes);
    put32(packet, 0);
    put16(packet, kHops << 8 | IPPROTO_TCP);
    put16(packet, 0);
    append(packet, far);
    append(packet, near);
    set16(packet, 10, checksum(packet));
  } else {
    put32(packet, 6u << 28);
    put16(packet, kTcpBytes);
    put16(packet, IPPROTO_TCP << 8 | kHops);
    append(packet, far);
    append(packet, near);
  }
  append(packet, tcp);
  if (::write(fd_, packet.data(), packet.size()) != static_cast<ssize_t>(packet.size())) fail("write to the TUN device");
}

Segment TunPeer::receive(int family, std::uint16_t near_port, std::uint8_t flags) const {
  for (;;) {
    std::uint8_t packet[2048];
    const int got = checked(static_cast<int>(::read(fd_, packet, sizeof packet)), "read from the TUN device");
    const bool four = packet[0] >> 4 == 4;
    const int header = four ? (packet[0] & 15) * 4 : kIpv6Bytes;
    if (four != (family == AF_INET) || got < header + kTcpBytes || packet[four ? 9 : 6] != IPPROTO_TCP) continue;
    const std::uint8_t* tcp = packet + header;
    Segment out;
    out.near_port = static_cast<std::uint16_t>(get16(tcp));
    out.far_port = static_cast<std::uint16_t>(get16(tcp + 2));
    out.sequence = get32(tcp + 4);
    out.acknowledged = get32(tcp + 8);
    out.flags = tcp[13];
    if (out.near_port == near_port && (out.flags & flags) == flags) return out;
  }
}

}  // namespace scene
