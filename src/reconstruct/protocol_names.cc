#include "reconstruct/protocol_names.h"

#include <algorithm>
#include <iterator>

#include "model/names.h"

namespace ssnap::reconstruct {
namespace {

constexpr std::uint16_t kIn = model::kFamilyInet, kIn6 = model::kFamilyInet6;
constexpr std::uint16_t kProtocolL2tp = 115;
// Families without a table: AF_* (include/linux/socket.h).
constexpr std::uint16_t kKey = 15, kRds = 21, kPppox = 24, kLlc = 26, kCan = 29, kBluetooth = 31, kIucv = 32, kRxrpc = 33,
                        kPhonet = 35, kIeee802154 = 36, kCaif = 37, kAlg = 38, kNfc = 39, kKcm = 41, kQipcrtr = 42,
                        kMctp = 45;

// net/*/: the initializers of struct proto, Linux 3.3 to 7.x. Raw, UNIX, packet and XDP sockets are in their table from
// socket() on.
constexpr NamedProtocol kProtocols[] = {
    {"TCP", kIn, model::kProtocolTcp, false},
    {"TCPv6", kIn6, model::kProtocolTcp, false},
    {"UDP", kIn, model::kProtocolUdp, false},
    {"UDPv6", kIn6, model::kProtocolUdp, false},
    {"UDP-Lite", kIn, model::kProtocolUdplite, false},
    {"UDPLITEv6", kIn6, model::kProtocolUdplite, false},
    {"RAW", kIn, model::kProtocolRaw, true},
    {"RAWv6", kIn6, model::kProtocolRaw, true},
    {"PING", kIn, model::kProtocolIcmp, false},
    {"PINGv6", kIn6, model::kProtocolIcmp6, false},
    {"MPTCP", kIn, model::kProtocolMptcp, false},
    {"MPTCPv6", kIn6, model::kProtocolMptcp, false},
    {"SCTP", kIn, model::kProtocolSctp, false},
    {"SCTPv6", kIn6, model::kProtocolSctp, false},
    {"DCCP", kIn, model::kProtocolDccp, false},
    {"DCCPv6", kIn6, model::kProtocolDccp, false},
    {"L2TP/IP", kIn, kProtocolL2tp, false},
    {"L2TP/IPv6", kIn6, kProtocolL2tp, false},
    // Of all types before 5.15, of datagram and seqpacket sockets since.
    {"UNIX", model::kFamilyUnix, model::kTypeUntold, true},
    {"UNIX-DGRAM", model::kFamilyUnix, model::kSocketDgram, true},
    {"UNIX-STREAM", model::kFamilyUnix, model::kSocketStream, true},
    {"PACKET", model::kFamilyPacket, model::kTypeUntold, true},
    {"NETLINK", model::kFamilyNetlink, model::kNetlinkProtocolUntold, false},
    {"AF_VSOCK", model::kFamilyVsock, model::kTypeUntold, true},
    {"XDP", model::kFamilyXdp, 3, true},
    {"TIPC", model::kFamilyTipc, model::kTypeUntold, true},
    {"SMC", model::kFamilySmc, model::kSocketStream, false},
    {"SMC6", model::kFamilySmc, model::kSocketStream, false},
    {"ALG", kAlg, model::kSocketSeqpacket, false},
    {"KCM", kKcm, model::kTypeUntold, false},
    {"KEY", kKey, 3, false},
    {"RDS", kRds, model::kSocketSeqpacket, false},
    {"PPPOE", kPppox, model::kTypeUntold, false},
    {"PPTP", kPppox, model::kTypeUntold, false},
    {"PPPOL2TP", kPppox, model::kTypeUntold, false},
    {"LLC", kLlc, model::kTypeUntold, false},
    {"CAN_RAW", kCan, 3, false},
    {"CAN_BCM", kCan, model::kSocketDgram, false},
    {"CAN_ISOTP", kCan, model::kSocketDgram, false},
    {"CAN_J1939", kCan, model::kSocketDgram, false},
    {"L2CAP", kBluetooth, model::kTypeUntold, false},
    {"HCI", kBluetooth, 3, false},
    {"RFCOMM", kBluetooth, model::kTypeUntold, false},
    {"SCO", kBluetooth, model::kSocketSeqpacket, false},
    {"BNEP", kBluetooth, 3, false},
    {"CMTP", kBluetooth, 3, false},
    {"HIDP", kBluetooth, 3, false},
    {"AF_IUCV", kIucv, model::kTypeUntold, false},
    {"RXRPC", kRxrpc, model::kSocketDgram, false},
    {"PHONET", kPhonet, model::kSocketDgram, false},
    {"PNPIPE", kPhonet, model::kSocketSeqpacket, false},
    {"IEEE-802.15.4-MAC", kIeee802154, model::kSocketDgram, false},
    {"IEEE-802.15.4-RAW", kIeee802154, 3, false},
    {"CAIF", kCaif, model::kTypeUntold, false},
    {"NFC_LLCP", kNfc, model::kTypeUntold, false},
    {"NFC_RAW", kNfc, 3, false},
    {"QIPCRTR", kQipcrtr, model::kSocketDgram, false},
    {"MCTP", kMctp, model::kSocketDgram, false},
};

}  // namespace

const NamedProtocol* find_protocol(std::string_view name) {
  const auto* found = std::find_if(std::begin(kProtocols), std::end(kProtocols),
                                   [&](const NamedProtocol& protocol) { return protocol.name == name; });
  return found == std::end(kProtocols) ? nullptr : found;
}

}  // namespace ssnap::reconstruct
