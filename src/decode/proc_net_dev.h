// /proc/net/dev (dev_seq_printf_stats, net/core/net-procfs.c): what each interface has counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetDevRow {
  std::string name;
  std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0, rx_fifo = 0, rx_frame = 0, rx_compressed = 0,
                rx_multicast = 0;
  std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0, tx_fifo = 0, tx_collisions = 0, tx_carrier = 0,
                tx_compressed = 0;
  std::uint64_t offset = 0;  // of the row, in the member
};

base::Decoded<ProcNetDevRow> decode_proc_net_dev(std::string_view bytes);

}  // namespace ssnap::decode
