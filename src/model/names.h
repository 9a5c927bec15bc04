// The field's names for the kernel's numbers: families, protocols, states, socket types.
// An unknown number has no name (""); whoever shows it shows the number.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ssnap::model {

// AF_* (include/linux/socket.h).
constexpr std::uint16_t kFamilyUnix = 1;
constexpr std::uint16_t kFamilyInet = 2;
constexpr std::uint16_t kFamilyInet6 = 10;
constexpr std::uint16_t kFamilyNetlink = 16;
constexpr std::uint16_t kFamilyPacket = 17;
constexpr std::uint16_t kFamilyTipc = 30;
constexpr std::uint16_t kFamilyVsock = 40;
constexpr std::uint16_t kFamilySmc = 43;
constexpr std::uint16_t kFamilyXdp = 44;

// IPPROTO_* of the tables that exist (include/uapi/linux/in.h). kProtocolRaw is IPPROTO_RAW: the table of raw sockets,
// whose own protocol is beside it.
constexpr std::uint16_t kProtocolIcmp = 1;
constexpr std::uint16_t kProtocolTcp = 6;
constexpr std::uint16_t kProtocolUdp = 17;
constexpr std::uint16_t kProtocolDccp = 33;
constexpr std::uint16_t kProtocolIcmp6 = 58;
constexpr std::uint16_t kProtocolSctp = 132;
constexpr std::uint16_t kProtocolUdplite = 136;
constexpr std::uint16_t kProtocolRaw = 255;
constexpr std::uint16_t kProtocolMptcp = 262;

// SOCK_* (include/linux/net.h): what a UNIX socket has for a protocol.
constexpr std::uint16_t kSocketStream = 1;
constexpr std::uint16_t kSocketDgram = 2;
constexpr std::uint16_t kSocketSeqpacket = 5;

// Of a socket that is known by its fd alone, whose name there doesn't tell them.
constexpr std::uint16_t kTypeUntold = 0;
constexpr std::uint16_t kNetlinkProtocolUntold = 0xffff;

// TCP_* (include/net/tcp_states.h). Every family uses them.
constexpr std::uint8_t kStateUnknown = 0;  // no table tells: only its fd is known
constexpr std::uint8_t kStateEstab = 1;
constexpr std::uint8_t kStateSynSent = 2;
constexpr std::uint8_t kStateSynRecv = 3;
constexpr std::uint8_t kStateFinWait1 = 4;
constexpr std::uint8_t kStateFinWait2 = 5;
constexpr std::uint8_t kStateTimeWait = 6;
constexpr std::uint8_t kStateUnconn = 7;  // TCP_CLOSE
constexpr std::uint8_t kStateCloseWait = 8;
constexpr std::uint8_t kStateLastAck = 9;
constexpr std::uint8_t kStateListen = 10;
constexpr std::uint8_t kStateClosing = 11;
constexpr std::uint8_t kStateNewSynRecv = 12;
constexpr std::uint8_t kStateBoundInactive = 13;  // 6.8: a TCP socket that is bound and neither listens nor is connected
// DCCP's own (include/linux/dccp.h), whose numbers depend on the kernel.
constexpr std::uint8_t kStatePartopen = 14;         // a client that waits for the server's first data or acknowledgement
constexpr std::uint8_t kStatePassiveCloseReq = 15;  // a client that was asked to close

std::string_view family_name(std::uint16_t family);  // "inet", "inet6", "unix", ...
// "tcp", "udp", "raw", ...; for netlink the protocol: "route", "generic", ...; for all other families the socket type:
// "stream", "dgram", "seqpacket", "raw". "unknown" where no view tells it.
std::string_view protocol_name(std::uint16_t family, std::uint16_t protocol);
std::string_view state_name(std::uint8_t state);  // ss's: "ESTAB", "LISTEN", "TIME-WAIT", ...
std::string_view timer_name(std::uint8_t timer);  // ss's: "on", "keepalive", "timewait", "persist"; "off" for 0
// IP protocol numbers as /etc/protocols names them, for raw sockets: 1 "icmp", 89 "ospf"...
std::string_view ip_protocol_name(std::uint16_t protocol);

}  // namespace ssnap::model
