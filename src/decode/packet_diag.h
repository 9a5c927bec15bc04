// sock_diag dump of packet sockets (include/uapi/linux/packet_diag.h; net/packet/diag.c, Linux 3.7 to 7.x).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "decode/attribute_span.h"
#include "decode/netlink_pcap.h"
#include "decode/sk_meminfo.h"

namespace ssnap::decode {

// struct packet_diag_info.
struct PacketInfo {
  std::uint32_t interface_index = 0;  // 0: all of them
  std::uint32_t version = 0;          // 0 TPACKET_V1, 1 V2, 2 V3
  std::uint32_t reserve_bytes = 0;
  std::uint32_t copy_threshold = 0;
  std::uint32_t timestamp = 0;  // SOF_TIMESTAMPING_*
  std::uint32_t flags = 0;      // PDI_*: 1 running, 2 auxdata, 4 origdev, 8 vnet header, 16 loss
};

// struct packet_diag_mclist: what the socket made an interface receive.
struct PacketMembership {
  std::uint32_t interface_index = 0;
  std::uint32_t count = 0;
  std::uint16_t type = 0;  // 0 multicast, 1 promiscuous, 2 all multicast, 3 unicast
  std::string address;     // as many bytes as pdmc_alen says, at most 32
};

// struct packet_diag_ring.
struct PacketRing {
  std::uint32_t block_size_bytes = 0, block_count = 0, frame_size_bytes = 0, frame_count = 0;
  std::uint32_t retire_timeout_msec = 0, private_bytes = 0, features = 0;  // TPACKET_V3 only, else 0
};

// struct sock_filter.
struct BpfInstruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0, jump_false = 0;
  std::uint32_t k = 0;
};

// Each attribute is absent where the kernel didn't send it.
struct PacketDiagRecord {
  std::uint8_t type = 0;       // 2 dgram, 3 raw, 10 packet (SOCK_PACKET)
  std::uint16_t protocol = 0;  // ethertype in host order: 3 all, 0 none
  std::uint32_t inode = 0;
  std::uint64_t cookie = 0;
  std::optional<PacketInfo> info;
  std::optional<std::uint32_t> uid;  // PACKET_DIAG_UID
  std::optional<std::vector<PacketMembership>> memberships;
  std::optional<PacketRing> rx_ring, tx_ring;
  std::optional<std::uint32_t> fanout;        // id in the low 16 bits, type (PACKET_FANOUT_*) in the high
  SkMeminfo skmeminfo;       // SK_MEMINFO_* words
  // PACKET_DIAG_FILTER, the classic filter. Empty: there is one, and the asker lacked CAP_NET_ADMIN. Absent: none, or an
  // eBPF program.
  std::optional<std::vector<BpfInstruction>> filter;
  std::vector<UnnamedAttribute> unnamed;
  std::uint64_t offset = 0;  // of the message's nlmsghdr, in the member
};

struct PacketDiagDump {
  std::vector<PacketDiagRecord> rows;
  DumpEnd end;
  base::Problems problems;
};

PacketDiagDump decode_packet_diag(std::string_view bytes);

}  // namespace ssnap::decode
