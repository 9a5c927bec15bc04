// /proc/net/sctp/eps and assocs (sctp_eps_seq_show, sctp_assocs_seq_show, net/sctp/proc.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/net_addr.h"
#include "base/problem.h"

namespace ssnap::decode {

// An endpoint: a bound socket.
struct ProcNetSctpEndpoint {
  std::uint32_t style = 0;  // `STY`: 0 one-to-many, 1 one-to-many high bandwidth, 2 one-to-one (enum sctp_socket_type)
  std::uint32_t state = 0;  // `SST`: sk_state, as TCP_*: 7 closed, 10 listening, 1 established
  std::uint16_t local_port = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  std::vector<base::IpAddress> locals;
  std::uint64_t offset = 0;  // of the row, in the member
};

struct ProcNetSctpAssociation {
  std::uint32_t style = 0, socket_state = 0;
  std::uint32_t state = 0;  // `ST`: enum sctp_state: 0 closed, 1 cookie-wait, 2 cookie-echoed, 3 established, ...
  std::int64_t association_id = 0;
  std::uint32_t send_queue_bytes = 0, recv_queue_bytes = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
  std::uint16_t local_port = 0, peer_port = 0;
  std::vector<base::IpAddress> locals, peers;
  std::optional<base::IpAddress> primary_peer;  // the one marked with '*'
  std::uint64_t offset = 0;
};

base::Decoded<ProcNetSctpEndpoint> decode_proc_net_sctp_eps(std::string_view bytes);
// Columns after the peers' addresses are passed over.
base::Decoded<ProcNetSctpAssociation> decode_proc_net_sctp_assocs(std::string_view bytes);

}  // namespace ssnap::decode
