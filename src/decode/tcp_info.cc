#include "decode/tcp_info.h"

#include <algorithm>
#include <span>

namespace ssnap::decode {
namespace {

// A member of a structure, in its order. Each begins where the one before ends.
struct Member {
  std::string_view name;  // "": padding, passed over
  std::uint8_t size_bytes;
  std::uint8_t bits = 0;          // width of a bit field; 0: the whole integer
  bool more_bits_follow = false;  // the next member lies in the same integer
};

constexpr std::string_view kOpaque = "-";  // `size_bytes` words of 8 bytes, which come without names

// struct tcp_info (include/uapi/linux/tcp.h, Linux 7.0; tcp_get_info, net/ipv4/tcp.c).
constexpr Member kTcpInfo[] = {
    {"state", 1},
    {"ca_state", 1},
    {"retransmits", 1},
    {"probes", 1},
    {"backoff", 1},
    {"options", 1},
    {"snd_wscale", 1, 4, true},
    {"rcv_wscale", 1, 4},
    {"delivery_rate_app_limited", 1, 1, true},
    {"fastopen_client_fail", 1, 2},
    {"rto", 4},
    {"ato", 4},
    {"snd_mss", 4},
    {"rcv_mss", 4},
    {"unacked", 4},
    {"sacked", 4},
    {"lost", 4},
    {"retrans", 4},
    {"fackets", 4},
    {"last_data_sent", 4},
    {"last_ack_sent", 4},
    {"last_data_recv", 4},
    {"last_ack_recv", 4},
    {"pmtu", 4},
    {"rcv_ssthresh", 4},
    {"rtt", 4},
    {"rttvar", 4},
    {"snd_ssthresh", 4},
    {"snd_cwnd", 4},
    {"advmss", 4},
    {"reordering", 4},
    {"rcv_rtt", 4},
    {"rcv_space", 4},
    {"total_retrans", 4},
    {"pacing_rate", 8},
    {"max_pacing_rate", 8},
    {"bytes_acked", 8},
    {"bytes_received", 8},
    {"segs_out", 4},
    {"segs_in", 4},
    {"notsent_bytes", 4},
    {"min_rtt", 4},
    {"data_segs_in", 4},
    {"data_segs_out", 4},
    {"delivery_rate", 8},
    {"busy_time", 8},
    {"rwnd_limited", 8},
    {"sndbuf_limited", 8},
    {"delivered", 4},
    {"delivered_ce", 4},
    {"bytes_sent", 8},
    {"bytes_retrans", 8},
    {"dsack_dups", 4},
    {"reord_seen", 4},
    {"rcv_ooopack", 4},
    {"snd_wnd", 4},
    {"rcv_wnd", 4},
    {"rehash", 4},
    {"total_rto", 2},
    {"total_rto_recoveries", 2},
    {"total_rto_time", 4},
    {"received_ce", 4},
    {"delivered_e1_bytes", 4},
    {"delivered_e0_bytes", 4},
    {"delivered_ce_bytes", 4},
    {"received_e1_bytes", 4},
    {"received_e0_bytes", 4},
    {"received_ce_bytes", 4},
    // 6.18: two 16-bit numbers, accecn_fail_mode and accecn_opt_seen; 7.x: bit fields of ecn_mode and others.
    // The length is the same, so that they can't be told apart here.
    {"accecn", 4},
};

// struct mptcp_info (include/uapi/linux/mptcp.h, Linux 7.0; mptcp_diag_fill_info, net/mptcp/sockopt.c).
constexpr Member kMptcpInfo[] = {
    {"subflows", 1},
    {"add_addr_signal", 1},
    {"add_addr_accepted", 1},
    {"subflows_max", 1},
    {"add_addr_signal_max", 1},
    {"add_addr_accepted_max", 1},
    {"", 2},
    {"flags", 4},
    {"token", 4},
    {"write_seq", 8},
    {"snd_una", 8},
    {"rcv_nxt", 8},
    {"local_addr_used", 1},
    {"local_addr_max", 1},
    {"csum_enabled", 1},
    {"", 1},
    {"retransmits", 4},
    {"bytes_retrans", 8},
    {"bytes_sent", 8},
    {"bytes_received", 8},
    {"bytes_acked", 8},
    {"subflows_total", 1},
    {"endp_laminar_max", 1},
    {"endp_fullmesh_max", 1},
    {"", 1},
    {"last_data_sent", 4},
    {"last_data_recv", 4},
    {"last_ack_recv", 4},
};

// struct sctp_info (include/linux/sctp.h, Linux 6.18; sctp_get_sctp_info, net/sctp/socket.c).
constexpr Member kSctpInfo[] = {
    {"tag", 4},
    {"state", 4},
    {"rwnd", 4},
    {"unackdata", 2},
    {"penddata", 2},
    {"instrms", 2},
    {"outstrms", 2},
    {"fragmentation_point", 4},
    {"inqueue", 4},
    {"outqueue", 4},
    {"overall_error", 4},
    {"max_burst", 4},
    {"maxseg", 4},
    {"peer_rwnd", 4},
    {"peer_tag", 4},
    {"peer_capable", 1},
    {"peer_sack", 1},
    {"", 2},
    {"isacks", 8},
    {"osacks", 8},
    {"opackets", 8},
    {"ipackets", 8},
    {"rtxchunks", 8},
    {"outofseqtsns", 8},
    {"idupchunks", 8},
    {"gapcnt", 8},
    {"ouodchunks", 8},
    {"iuodchunks", 8},
    {"oodchunks", 8},
    {"iodchunks", 8},
    {"octrlchunks", 8},
    {"ictrlchunks", 8},
    {kOpaque, 16},  // p_address
    {"p_state", 4},
    {"p_cwnd", 4},
    {"p_srtt", 4},
    {"p_rto", 4},
    {"p_hbinterval", 4},
    {"p_pathmaxrxt", 4},
    {"p_sackdelay", 4},
    {"p_sackfreq", 4},
    {"p_ssthresh", 4},
    {"p_partial_bytes_acked", 4},
    {"p_flight_size", 4},
    {"p_error", 2},
    {"", 2},
    {"s_autoclose", 4},
    {"s_adaptation_ind", 4},
    {"s_pd_point", 4},
    {"s_nodelay", 1},
    {"s_disable_fragments", 1},
    {"s_v4mapped", 1},
    {"s_frag_interleave", 1},
    {"s_type", 4},
    {"", 4},
};

constexpr Member kVegasInfo[] = {
    {"vegas_enabled", 4},
    {"vegas_rttcnt", 4},
    {"vegas_rtt", 4},
    {"vegas_minrtt", 4},
};

constexpr Member kDctcpInfo[] = {
    {"dctcp_enabled", 2},
    {"dctcp_ce_state", 2},
    {"dctcp_alpha", 4},
    {"dctcp_ab_ecn", 4},
    {"dctcp_ab_tot", 4},
};

constexpr Member kBbrInfo[] = {
    {"bbr_bw_lo", 4},
    {"bbr_bw_hi", 4},
    {"bbr_min_rtt", 4},
    {"bbr_pacing_gain", 4},
    {"bbr_cwnd_gain", 4},
};

constexpr std::size_t kWordBytes = 8;

// An unsigned number of so many bytes, at most 8.
std::uint64_t number(const char* bytes, std::size_t size, base::ByteOrder order) {
  switch (size) {
    case 1: return static_cast<unsigned char>(*bytes);
    case 2: return base::load<std::uint16_t>(bytes, order);
    case 4: return base::load<std::uint32_t>(bytes, order);
    case 8: return base::load<std::uint64_t>(bytes, order);
  }
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = order == base::ByteOrder::big ? i : size - 1 - i;
    value = value << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return value;
}

// Unnamed words from `at` on, `count` of them or as many as there are; a last piece of fewer bytes too.
void add_words(std::string_view info, std::size_t& at, std::size_t count, base::ByteOrder order, std::vector<InfoField>& fields) {
  for (; count > 0 && at < info.size(); --count) {
    const std::string_view piece = info.substr(at, kWordBytes);
    fields.push_back({"", static_cast<std::uint32_t>(at), static_cast<std::uint8_t>(piece.size()), 0, number(piece.data(), piece.size(), order)});
    at += piece.size();
  }
}

// A bit field: the first that is declared lies in the low bits with the low byte first, in the high bits with
// the high byte first (the System V ABIs).
std::uint64_t bit_field(std::uint64_t integer, unsigned size_bytes, unsigned bits_before, unsigned bits,
                        base::ByteOrder order) {
  const unsigned shift = order == base::ByteOrder::little ? bits_before : size_bytes * 8 - bits_before - bits;
  return integer >> shift & ((std::uint64_t{1} << bits) - 1);
}

void append_fields(std::string_view info, base::ByteOrder order, std::span<const Member> members, std::vector<InfoField>& fields) {
  std::size_t at = 0;
  unsigned bits_before = 0;
  for (const Member& member : members) {
    if (member.name == kOpaque) {
      add_words(info, at, member.size_bytes, order, fields);
      continue;
    }
    if (info.size() - at < member.size_bytes) break;  // the structure ends before, or within it: what is left comes as words
    const std::size_t begin = at;
    if (!member.more_bits_follow) at += member.size_bytes;
    if (member.name.empty()) continue;
    std::uint64_t value = number(info.data() + begin, member.size_bytes, order);
    if (member.bits != 0) {
      value = bit_field(value, member.size_bytes, bits_before, member.bits, order);
      bits_before = member.more_bits_follow ? bits_before + member.bits : 0;
    }
    fields.push_back({member.name, static_cast<std::uint32_t>(begin), member.size_bytes, member.bits, value});
  }
  add_words(info, at, info.size(), order, fields);
}

std::vector<InfoField> decode_info(std::string_view info, base::ByteOrder order, std::span<const Member> members) {
  std::vector<InfoField> fields;
  fields.reserve(std::min(members.size(), info.size()));
  append_fields(info, order, members, fields);
  return fields;
}

}  // namespace

void append_info(InfoStructure structure, std::string_view info, base::ByteOrder order, std::vector<InfoField>& fields) {
  switch (structure) {
    case InfoStructure::tcp: return append_fields(info, order, kTcpInfo, fields);
    case InfoStructure::mptcp: return append_fields(info, order, kMptcpInfo, fields);
    case InfoStructure::sctp: return append_fields(info, order, kSctpInfo, fields);
  }
}

std::vector<InfoField> decode_tcp_info(std::string_view info, base::ByteOrder order) { return decode_info(info, order, kTcpInfo); }
std::vector<InfoField> decode_mptcp_info(std::string_view info, base::ByteOrder order) { return decode_info(info, order, kMptcpInfo); }
std::vector<InfoField> decode_sctp_info(std::string_view info, base::ByteOrder order) { return decode_info(info, order, kSctpInfo); }

std::vector<InfoField> decode_congestion_info(std::uint16_t attribute_type, std::string_view info,
                                              base::ByteOrder order) {
  switch (attribute_type) {
    case 3: return decode_info(info, order, kVegasInfo);
    case 9: return decode_info(info, order, kDctcpInfo);
    case 16: return decode_info(info, order, kBbrInfo);
    default: return {};
  }
}

}  // namespace ssnap::decode
