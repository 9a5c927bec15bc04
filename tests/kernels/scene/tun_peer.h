// A TCP peer that does only what it is told: behind a TUN device, whose packets this process reads and writes itself. It
// answers nothing on its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace scene {

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kAck = 16;

struct Segment {
  std::uint16_t near_port = 0, far_port = 0;
  std::uint32_t sequence = 0, acknowledged = 0;
  std::uint8_t flags = 0;
  // The sequence number behind it; segments of the scene carry no data.
  std::uint32_t end() const { return sequence + ((flags & kSyn) != 0 ? 1 : 0) + ((flags & kFin) != 0 ? 1 : 0); }
};

class TunPeer {
 public:
  // The device has both addresses of this side; the peer's are on the same links.
  TunPeer();
  static const char* near_address(int family);
  static const char* far_address(int family);

  // From the peer to this machine.
  void send(int family, const Segment& segment) const;
  // The next segment that this machine sends from `near_port` with all of these flags; others are passed over.
  Segment receive(int family, std::uint16_t near_port, std::uint8_t flags) const;

 private:
  int fd_;
};

}  // namespace scene
