// The two views that the kernel gives of the same sockets: a netlink dump in the archive's pcap, and the rows of /proc/net,
// written from one list as the kernel writes them. In the byte order of a captured host, which need not be this machine's.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"

namespace ssnap::test {

// Bytes of the kernel's structures.
class ByteWriter {
 public:
  explicit ByteWriter(base::ByteOrder order) : order_(order) {}

  ByteWriter& number(std::uint64_t value, unsigned size, base::ByteOrder order) {
    for (unsigned i = 0; i < size; ++i)
      bytes += static_cast<char>(value >> 8 * (order == base::ByteOrder::little ? i : size - 1 - i));
    return *this;
  }
  ByteWriter& u8(std::uint8_t value) { return number(value, 1, order_); }
  ByteWriter& u16(std::uint16_t value) { return number(value, 2, order_); }
  ByteWriter& u32(std::uint32_t value) { return number(value, 4, order_); }
  ByteWriter& be16(std::uint16_t value) { return number(value, 2, base::ByteOrder::big); }
  ByteWriter& raw(std::string_view value) {
    bytes += value;
    return *this;
  }
  ByteWriter& pad_to(std::size_t multiple) {
    bytes.append((multiple - bytes.size() % multiple) % multiple, '\0');
    return *this;
  }

  std::string bytes;

 private:
  base::ByteOrder order_;
};

// A dump as capture keeps it: the request, one datagram of answers, the end.
class DumpWriter {
 public:
  DumpWriter(base::ByteOrder order, std::string_view request) : order_(order) {
    file_ = ByteWriter(order).u32(0xa1b23c4d).u16(2).u16(4).u32(0).u32(0).u32(0x40000).u32(253).bytes;
    packet(4, message(kSockDiagByFamily, request));
  }
  void record(std::string_view payload) { answer_ += message(kSockDiagByFamily, payload); }
  std::string finish() {
    if (!answer_.empty()) packet(0, answer_);
    packet(0, message(kDone, std::string(4, '\0')));
    return file_;
  }

 private:
  static constexpr std::uint16_t kSockDiagByFamily = 20, kDone = 3;

  std::string message(std::uint16_t type, std::string_view payload) const {
    ByteWriter out(order_);
    out.u32(static_cast<std::uint32_t>(16 + payload.size())).u16(type).u16(2).u32(1).u32(7).raw(payload);
    return out.pad_to(4).bytes;
  }
  void packet(std::uint16_t type, std::string_view datagram) {
    const auto length = static_cast<std::uint32_t>(16 + datagram.size());
    file_ += ByteWriter(order_).u32(1).u32(0).u32(length).u32(length).bytes;
    file_ += ByteWriter(base::ByteOrder::big).u16(type).u16(824).u32(0).u32(0).u16(0).u16(4).bytes;
    file_ += datagram;
  }

  base::ByteOrder order_;
  std::string file_, answer_;
};

// An IP socket as both views have it.
struct InetSocket {
  std::uint8_t family = 2, state = 1, timer = 0;
  std::array<std::uint8_t, 16> local{}, peer{};  // network order
  std::uint16_t local_port = 0, peer_port = 0;
  std::uint32_t recv_queue = 0, send_queue = 0, backlog = 0, uid = 0, inode = 0, retransmits = 0;
  std::uint32_t timer_ticks = 0;  // of 10 milliseconds
  std::uint64_t cookie = 0;
};
constexpr std::uint8_t kListen = 10;

inline std::string inet_request(base::ByteOrder order, std::uint8_t family, std::uint8_t protocol) {
  return ByteWriter(order).u8(family).u8(protocol).u8(0xff).u8(0).u32(0xffffffff).raw(std::string(48, '\0')).bytes;
}

// struct inet_diag_msg.
inline std::string inet_record(base::ByteOrder order, const InetSocket& s) {
  const auto bytes = [](const auto& address) { return std::string_view(reinterpret_cast<const char*>(address.data()), address.size()); };
  ByteWriter out(order);
  out.u8(s.family).u8(s.state).u8(s.timer).u8(static_cast<std::uint8_t>(s.retransmits));
  out.be16(s.local_port).be16(s.peer_port).raw(bytes(s.local)).raw(bytes(s.peer)).u32(0);
  out.u32(static_cast<std::uint32_t>(s.cookie)).u32(static_cast<std::uint32_t>(s.cookie >> 32));
  out.u32(s.timer_ticks * 10).u32(s.recv_queue).u32(s.state == kListen ? s.backlog : s.send_queue).u32(s.uid).u32(s.inode);
  return out.bytes;
}

// "0100007F:1F90": each word of the address as the host's processor reads it.
inline std::string printed_address(base::ByteOrder order, const InetSocket& s, const std::array<std::uint8_t, 16>& address,
                                   std::uint16_t port) {
  std::string out;
  char text[16];
  for (std::size_t word = 0; word < (s.family == 2 ? 1u : 4u); ++word) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::size_t at = order == base::ByteOrder::big ? i : 3 - i;
      value = value << 8 | address[word * 4 + at];
    }
    std::snprintf(text, sizeof text, "%08X", value);
    out += text;
  }
  std::snprintf(text, sizeof text, ":%04X", port);
  return out + text;
}

// get_tcp4_sock(), get_tcp6_sock(), udp4_format_sock(), __ip6_dgram_sock_seq_show(): up to the inode they are one.
inline std::string inet_row(base::ByteOrder order, std::size_t slot, const InetSocket& s) {
  char text[200];
  std::snprintf(text, sizeof text, "%4zu: ", slot);
  std::string out = text;
  out += printed_address(order, s, s.local, s.local_port) + ' ' + printed_address(order, s, s.peer, s.peer_port);
  std::snprintf(text, sizeof text, " %02X %08X:%08X %02X:%08X %08X %5u %8d %u 1 0000000000000000 100 0 0 10 0\n", s.state,
                s.state == kListen ? 0 : s.send_queue, s.recv_queue, s.timer, s.timer_ticks, s.retransmits, s.uid, 0, s.inode);
  return out + text;
}

// A UNIX socket as both views have it. An abstract name begins with NUL.
struct UnixSocket {
  std::uint16_t type = 1;
  std::uint8_t state = 7;
  std::uint32_t inode = 0;
  std::uint64_t cookie = 0;
  std::string name;
};

inline std::string unix_request(base::ByteOrder order) {
  return ByteWriter(order).u8(1).u8(0).u16(0).u32(0xffffffff).u32(0).u32(0xff).u32(0).u32(0).bytes;
}

// struct unix_diag_msg and UNIX_DIAG_NAME.
inline std::string unix_record(base::ByteOrder order, const UnixSocket& s) {
  ByteWriter out(order);
  out.u8(1).u8(static_cast<std::uint8_t>(s.type)).u8(s.state).u8(0).u32(s.inode);
  out.u32(static_cast<std::uint32_t>(s.cookie)).u32(static_cast<std::uint32_t>(s.cookie >> 32));
  if (s.name.empty()) return out.bytes;
  const std::string payload = s.name.front() == '\0' ? s.name : s.name + '\0';
  out.u16(static_cast<std::uint16_t>(4 + payload.size())).u16(0).raw(payload);
  return out.pad_to(4).bytes;
}

// unix_seq_show(): NULs as '@', every other byte as it is, a newline too.
inline std::string unix_row(const UnixSocket& s) {
  constexpr unsigned kUnconnected = 1, kConnected = 3, kAcceptsConnections = 0x10000;
  char text[100];
  std::snprintf(text, sizeof text, "0000000000000000: 00000002 00000000 %08X %04X %02X %5u", s.state == kListen ? kAcceptsConnections : 0,
                s.type, s.state == 1 ? kConnected : kUnconnected, s.inode);
  std::string out = text;
  if (!s.name.empty()) {
    out += ' ';
    for (const char c : s.name) out += c == '\0' ? '@' : c;
  }
  return out + '\n';
}

}  // namespace ssnap::test
