// Classic BPF as text: what a socket's filter (SO_ATTACH_FILTER) does, one line an instruction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/socket.h"

namespace ssnap::analyze {

using BpfProgram = std::span<const model::BpfInstruction>;

// BPF_MAXINSNS (include/uapi/linux/bpf_common.h): what the kernel takes. What is beyond is not looked at.
constexpr std::size_t kMaxBpfInstructions = 4096;
// BPF_MEMWORDS (include/uapi/linux/filter.h).
constexpr std::uint32_t kBpfMemoryWords = 16;

// Offsets from here on are no places of the packet (include/uapi/linux/filter.h): they count from the network header
// (SKF_NET_OFF), from the link-layer header (SKF_LL_OFF), or name something that the kernel knows of it (SKF_AD_OFF).
constexpr std::uint32_t kBpfNetworkOffset = 0xfff00000, kBpfLinkOffset = 0xffe00000, kBpfAncillaryOffset = 0xfffff000;

// "proto", "ifidx", ... for k of a load from kBpfAncillaryOffset on; "" where the kernel has nothing there. As libpcap has them.
std::string_view bpf_ancillary_name(std::uint32_t k);

// One instruction as `tcpdump -d` prints it, without trailing blanks and with blanks in the place of its tab:
// "(003) jeq      #0x800           jt 4  jf 9". Beyond libpcap there is "ldx #pktlen". Any bytes have a line: what is no
// instruction is "unimp", and a jump that leads nowhere is printed like any other.
std::string bpf_line(std::size_t index, const model::BpfInstruction& instruction);
// Of the whole program; at most kMaxBpfInstructions of it.
std::vector<std::string> disassemble_bpf(BpfProgram program);

}  // namespace ssnap::analyze
