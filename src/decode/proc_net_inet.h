// /proc/net/{tcp,tcp6,udp,udp6,udplite,udplite6,raw,raw6,icmp,icmp6}: one row shape for all
// (tcp4_seq_show, get_tcp6_sock, udp4_format_sock, __ip6_dgram_sock_seq_show, raw_sock_seq_show).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.h"
#include "base/net_addr.h"
#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetInetRow {
  std::uint32_t slot = 0;  // `sl`
  base::IpAddress local, peer;
  std::uint16_t local_port = 0, peer_port = 0;  // raw: the protocol, and 0
  std::uint8_t state = 0;                       // TCP_* number
  std::uint32_t send_queue = 0, recv_queue = 0;  // tx_queue, rx_queue; LISTEN: 0 and the accept queue's length
  std::uint8_t timer = 0;                        // 0 off, 1 on, 2 keepalive, 3 timewait, 4 persist
  std::uint64_t timer_expires_ticks = 0;         // USER_HZ
  std::uint32_t retransmits = 0;
  std::uint32_t uid = 0;
  std::uint32_t timeout = 0;  // unanswered window probes
  std::uint64_t inode = 0;    // 0: none
  std::optional<std::uint32_t> ref_count;  // absent in kernels that end the row at the inode
  std::uint64_t pointer = 0;  // hashed since 4.15; 0: not there, or hidden
  // TCP only, and not in TIME_WAIT and SYN_RECV: absent as a whole where one of them is.
  struct Tcp {
    std::uint32_t rto_ticks = 0, ato_ticks = 0;  // USER_HZ
    std::uint32_t quick_acks = 0;                // quick << 1 | pingpong
    std::uint32_t cwnd = 0;
    std::int32_t ssthresh = 0;                   // -1: initial slow start
  };
  std::optional<Tcp> tcp;
  std::uint64_t offset = 0;   // of the row, in the member
};

// Address words are printed as 32-bit numbers of the host: `order` is the captured machine's.
// The header line is recognised by its name ("sl") and skipped wherever it stands. Further columns are passed over.
base::Decoded<ProcNetInetRow> decode_proc_net_inet(std::string_view bytes, base::ByteOrder order);

}  // namespace ssnap::decode
