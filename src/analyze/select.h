// Which sockets an answer is about: tables, families, states and namespaces, as the letters of ss choose them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/snapshot.h"

namespace ssnap::analyze {

// Tables, as bits. SMC has no letter.
enum Table : std::uint32_t {
  kTcp = 1u << 0,
  kUdp = 1u << 1,  // and UDP-Lite
  kRaw = 1u << 2,  // and ping
  kDccp = 1u << 3,
  kSctp = 1u << 4,
  kMptcp = 1u << 5,
  kUnixStream = 1u << 6,
  kUnixDgram = 1u << 7,
  kUnixSeqpacket = 1u << 8,
  kPacketRaw = 1u << 9,
  kPacketDgram = 1u << 10,
  kNetlink = 1u << 11,
  kVsockStream = 1u << 12,
  kVsockDgram = 1u << 13,  // and seqpacket
  kXdp = 1u << 14,
  kTipc = 1u << 15,
};
constexpr std::uint32_t kUnix = kUnixStream | kUnixDgram | kUnixSeqpacket;
constexpr std::uint32_t kPacket = kPacketRaw | kPacketDgram;
constexpr std::uint32_t kVsock = kVsockStream | kVsockDgram;
constexpr std::uint32_t kInet = kTcp | kUdp | kRaw | kDccp | kSctp | kMptcp;

// The tables of a word of -A: "tcp", "unix_stream", "all", ... 0: there is no such word.
std::uint32_t tables_of(std::string_view word);

struct Selection {
  // -t -u -w -d -S -M -x -0 --vsock --xdp --tipc -f -A; none of them: every table.
  std::uint32_t tables = 0;
  // -4 -6: with one of them, IP sockets of that family only. Sockets of other families need a switch of their own then.
  bool ipv4 = false, ipv6 = false;
  // -l and -a. -l: listening sockets only. -a: every state. Neither: with a table switch, what ss shows without a state
  // switch (connected sockets, and every UDP and raw one that has a peer); without one, every state.
  bool listening = false, all = false;
  bool bound_inactive = false;  // -B: those only, or with -l those too
  bool has_table_or_state() const { return tables != 0 || ipv4 || ipv6 || listening || all || bound_inactive; }
};

// Listening in the sense of -l: LISTEN, and unconnected datagram and raw sockets, which receive from anyone.
bool is_listening(const model::Socket& socket);

bool selects(const Selection& selection, const model::Socket& socket);

// Indexes into Snapshot::namespaces for --netns: "all", "unknown", an inode, a name; absent: the host's own. nullopt: none matches.
std::optional<std::vector<std::uint32_t>> select_namespaces(const model::Snapshot& snapshot,
                                                            const std::optional<std::string>& wanted);

}  // namespace ssnap::analyze
