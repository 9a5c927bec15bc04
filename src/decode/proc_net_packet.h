// /proc/net/packet (packet_seq_show, net/packet/af_packet.c).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetPacketRow {
  std::uint32_t ref_count = 0;
  std::uint16_t type = 0;      // 2 dgram, 3 raw, 10 packet (SOCK_PACKET)
  std::uint16_t protocol = 0;  // ethertype in host order: 3 all
  std::uint32_t interface_index = 0;  // 0: all of them
  bool running = false;
  std::uint32_t rmem_bytes = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;  // of the row, in the member
};

base::Decoded<ProcNetPacketRow> decode_proc_net_packet(std::string_view bytes);

}  // namespace ssnap::decode
