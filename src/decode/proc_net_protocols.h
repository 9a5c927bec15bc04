// /proc/net/protocols (proto_seq_printf, net/core/sock.c): one row per protocol of the kernel, with its count of sockets
// in this network namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/problem.h"

namespace ssnap::decode {

struct ProcNetProtocolsRow {
  std::string name;  // TCP, TCPv6, UDP, UNIX, UNIX-STREAM, NETLINK, PACKET, MPTCP, ...
  std::uint32_t object_bytes = 0;
  std::int64_t sockets = 0;                    // inuse; per-CPU counters read one by one may sum up below 0
  std::optional<std::int64_t> memory_pages;    // absent where the protocol keeps none (-1)
  std::optional<bool> memory_pressure;         // absent: the kernel prints NI, the protocol has no such limit
  std::uint32_t max_header_bytes = 0;
  bool has_slab = false;
  std::string module;  // "kernel" where it is built in
  std::uint64_t offset = 0;
};

base::Decoded<ProcNetProtocolsRow> decode_proc_net_protocols(std::string_view bytes);

}  // namespace ssnap::decode
