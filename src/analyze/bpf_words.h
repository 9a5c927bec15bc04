// What a classic BPF filter lets pass, in words, and whether it waits for a magic value.
#pragma once

#include <string>
#include <vector>

#include "analyze/bpf_graph.h"

namespace ssnap::analyze {

// A longer text is no easier to read than the program.
constexpr std::size_t kMaxBpfWordsBytes = 1200;
constexpr std::size_t kMaxBpfMagics = 16;

struct BpfMeaning {
  // "ip and tcp and no later fragment and dst port 22", "every packet", "no packet". Terms are tcpdump's where it has them;
  // beyond these "ether[6:2]", "ip[8]", "ip6[7]" and "transport[13]" are bytes of a header (offset:size), in network order.
  std::string words;
  std::string obstacle;  // why there are no words; "": there are
  // Comparisons of 2 bytes or more of what the packet carries with a number, that must hold for some packet to pass:
  // "0x7255 at byte 8 after the IP header". "What it carries" begins 8 bytes after the IP header (after UDP's and ICMP's
  // header, and a TCP segment's ports and sequence number), or after the TCP header.
  std::vector<std::string> magics;
  bool magics_known = true;  // false: the program could not be followed
};

// `ip_version`: 4 or 6 where the socket gets no other packets; else 0.
BpfMeaning explain_bpf(BpfProgram program, BpfStart start, std::uint8_t ip_version);

// The filter of a packet socket, by its type and ethertype.
BpfMeaning explain_packet_filter(const model::Socket& socket);

}  // namespace ssnap::analyze
