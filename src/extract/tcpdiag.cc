#include "extract/tcpdiag.h"

#include "decode/netlink_message.h"
#include "decode/netlink_pcap.h"

namespace ssnap::extract {
namespace {

// include/uapi/linux/{inet_diag,sock_diag}.h
constexpr std::uint16_t kTcpDiagGetSock = 18, kSockDiagByFamily = 20;
constexpr std::size_t kInetDiagMessageBytes = 72;  // sizeof(struct inet_diag_msg)
constexpr std::uint16_t kInetDiagProtocol = 10;
constexpr std::uint8_t kTcp = 6;
// TCP_* (include/net/tcp_states.h), as dumps have them: a bound, inactive socket comes as CLOSE.
constexpr unsigned kSynRecv = 3, kTimeWait = 6, kClose = 7, kListen = 10;

void put(std::string& out, std::uint32_t value, int bytes, base::ByteOrder order) {
  for (int i = 0; i < bytes; ++i) {
    const int at = order == base::ByteOrder::little ? i : bytes - 1 - i;
    out += static_cast<char>(value >> (8 * at) & 0xff);
  }
}

void pad(std::string& out) { out.append((decode::kNetlinkAlignment - out.size() % decode::kNetlinkAlignment) % decode::kNetlinkAlignment, '\0'); }

void put_message(std::string& out, const decode::NetlinkMessage& message, std::string_view payload, base::ByteOrder order) {
  put(out, static_cast<std::uint32_t>(decode::kNetlinkHeaderBytes + payload.size()), 4, order);
  put(out, message.type, 2, order);
  put(out, message.flags, 2, order);
  put(out, message.sequence, 4, order);
  put(out, message.port_id, 4, order);
  out += payload;
  pad(out);
}

// ss's sets: SS_ALL, LISTEN and CLOSE for -l, and all but LISTEN, CLOSE, TIME_WAIT and SYN_RECV for neither.
bool is_in(States states, unsigned state, std::uint8_t protocol) {
  if (protocol == kTcp && state == kClose) return false;
  switch (states) {
    case States::all: return true;
    case States::listening: return state == kListen || state == kClose;
    case States::established: return state != kListen && state != kClose && state != kTimeWait && state != kSynRecv;
  }
  return false;
}

}  // namespace

std::string tcpdiag_records(std::string_view bytes, std::uint8_t protocol, States states) {
  const auto pcap = decode::decode_netlink_pcap(bytes);
  std::string out;
  for (const auto& datagram : pcap.datagrams) {
    if (datagram.to_kernel) continue;
    decode::NetlinkMessageReader messages(datagram.bytes, datagram.offset, pcap.order);
    while (const auto message = messages.next()) {
      if (message->type != kTcpDiagGetSock && message->type != kSockDiagByFamily) continue;
      if (message->payload.size() < kInetDiagMessageBytes) continue;
      if (!is_in(states, static_cast<unsigned char>(message->payload[1]), protocol)) continue;
      std::string payload(message->payload);
      if (protocol != kTcp) {
        pad(payload);
        put(payload, decode::kAttributeHeaderBytes + 1, 2, pcap.order);
        put(payload, kInetDiagProtocol, 2, pcap.order);
        payload += static_cast<char>(protocol);
        pad(payload);
      }
      put_message(out, *message, payload, pcap.order);
    }
  }
  return out;
}

std::string tcpdiag_end(base::ByteOrder order) {
  std::string out;
  decode::NetlinkMessage message;
  message.type = decode::kNlmsgDone;
  put_message(out, message, std::string_view("\0\0\0\0", 4), order);
  return out;
}

}  // namespace ssnap::extract
