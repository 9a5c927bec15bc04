// --as ss -i and -m: what ss makes of tcp_info, mptcp_info, sctp_info and their company.
#include <algorithm>
#include <span>

#include "render/escape.h"
#include "render/ss_parts.h"

namespace ssnap::render {
namespace {

using model::DumpRow;

// Numbers of a structure by their names; what the kernel didn't send is 0, as ss has it.
class Numbers {
 public:
  explicit Numbers(const model::InfoFields& fields) {
    for (const auto& field : fields) fields_.push_back(field);
  }

  std::uint64_t operator()(std::string_view name) const {
    const auto* found = find(name);
    return found == nullptr ? 0 : found->value;
  }
  bool has(std::string_view name) const { return find(name) != nullptr; }

 private:
  const model::InfoField* find(std::string_view name) const {
    const auto at = std::find_if(fields_.begin(), fields_.end(), [&](const auto& field) { return field.name == name; });
    return at == fields_.end() ? nullptr : &*at;
  }

  std::vector<model::InfoField> fields_;
};

// A number that is printed as it is, behind its label, where it isn't 0.
struct Plain {
  std::string_view field, label;
};

void add_plain(SsView& view, const Numbers& numbers, std::span<const Plain> rows) {
  for (const Plain& row : rows)
    if (const std::uint64_t value = numbers(row.field); value != 0)
      view.add(' ' + std::string(row.label) + ':' + std::to_string(value));
}

double milliseconds(std::uint64_t microseconds) { return static_cast<double>(microseconds) / 1000; }

void add_milliseconds(SsView& view, const char* label, std::uint64_t microseconds) {
  if (microseconds != 0) view.addf(" %s:%g", label, milliseconds(microseconds));
}

// Bits per second, with a decimal prefix unless -n.
std::string bandwidth(const SsView& view, double bits) {
  static constexpr struct {
    double unit;
    char letter;
  } kUnits[] = {{1e12, 'T'}, {1e9, 'G'}, {1e6, 'M'}, {1e3, 'k'}};
  if (view.options.numeric) return printed("%.0fbps", bits);
  for (const auto& row : kUnits)
    if (bits >= row.unit) return printed("%.3g%cbps", bits / row.unit, row.letter);
  return printed("%gbps", bits);
}

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};  // sk_max_pacing_rate without SO_MAX_PACING_RATE

void add_congestion(SsView& view, const Numbers& numbers) {
  if (numbers.has("dctcp_enabled")) {
    if (numbers("dctcp_enabled") == 0) {
      view.add(" dctcp:fallback_mode");
    } else {
      view.addf(" dctcp:(ce_state:%u,alpha:%u,ab_ecn:%u,ab_tot:%u)", static_cast<unsigned>(numbers("dctcp_ce_state")),
                static_cast<unsigned>(numbers("dctcp_alpha")), static_cast<unsigned>(numbers("dctcp_ab_ecn")),
                static_cast<unsigned>(numbers("dctcp_ab_tot")));
    }
  }
  if (numbers.has("bbr_bw_lo")) {
    const std::uint64_t bytes = numbers("bbr_bw_hi") << 32 | numbers("bbr_bw_lo");
    view.add(" bbr:(bw:" + bandwidth(view, static_cast<double>(bytes) * 8.0));
    view.addf(",mrtt:%g", milliseconds(numbers("bbr_min_rtt")));
    const auto gain = [&](const char* label, std::uint64_t value) {
      if (value != 0) view.addf(",%s:%g", label, static_cast<double>(value) / 256.0);
    };
    gain("pacing_gain", numbers("bbr_pacing_gain"));
    gain("cwnd_gain", numbers("bbr_cwnd_gain"));
    view.add(")");
  }
}

void add_rates(SsView& view, const Numbers& numbers) {
  double rtt = static_cast<double>(numbers("rtt"));
  constexpr std::uint64_t kUnmeasured = 0x7fffffff;
  if (const auto vegas = numbers("vegas_rtt"); numbers("vegas_enabled") != 0 && vegas != 0 && vegas != kUnmeasured)
    rtt = static_cast<double>(vegas);
  if (rtt > 0 && numbers("snd_mss") != 0 && numbers("snd_cwnd") != 0)
    view.add(" send " + bandwidth(view, static_cast<double>(numbers("snd_cwnd")) *
                                            static_cast<double>(numbers("snd_mss")) * 8000000. / rtt));
  static constexpr Plain kLast[] = {
      {"last_data_sent", "lastsnd"}, {"last_data_recv", "lastrcv"}, {"last_ack_recv", "lastack"}};
  add_plain(view, numbers, kLast);
  const auto bits = [&](std::uint64_t bytes) { return bandwidth(view, static_cast<double>(bytes) * 8.); };
  if (const auto rate = numbers("pacing_rate"); rate != 0 && rate != kNoLimit) {
    view.add(" pacing_rate " + bits(rate));
    if (const auto limit = numbers("max_pacing_rate"); limit != 0 && limit != kNoLimit) view.add('/' + bits(limit));
  }
  if (const auto rate = numbers("delivery_rate"); rate != 0) view.add(" delivery_rate " + bits(rate));
}

void add_busy_times(SsView& view, const Numbers& numbers) {
  const std::uint64_t busy = numbers("busy_time");
  if (busy == 0) return;
  view.addf(" busy:%llums", static_cast<unsigned long long>(busy / 1000));
  const auto part = [&](const char* label, std::uint64_t limited) {
    if (limited == 0) return;
    view.addf(" %s:%llums(%.1f%%)", label, static_cast<unsigned long long>(limited / 1000),
              100.0 * static_cast<double>(limited) / static_cast<double>(busy));
  };
  part("rwnd_limited", numbers("rwnd_limited"));
  part("sndbuf_limited", numbers("sndbuf_limited"));
}

void add_tcp_info(SsView& view, const DumpRow& row) {
  const Numbers numbers(row.details.info);
  const std::uint64_t options = numbers("options");
  constexpr std::uint64_t kWindowScale = 4;  // TCPI_OPT_WSCALE
  if (view.options.timers) {
    // TCPI_OPT_*, in ss's order.
    static constexpr struct {
      std::uint64_t bit;
      std::string_view label;
    } kOptions[] = {{1, " ts"}, {2, " sack"}, {8, " ecn"}, {16, " ecnseen"}, {32, " fastopen"}};
    for (const auto& option : kOptions)
      if ((options & option.bit) != 0) view.add(option.label);
  }
  constexpr std::size_t kCongestionBytes = 15;
  if (!row.details.congestion.empty())
    view.add(' ' + escape_tool(std::string_view(row.details.congestion).substr(0, kCongestionBytes)));
  if ((options & kWindowScale) != 0)
    view.addf(" wscale:%d,%d", static_cast<int>(numbers("snd_wscale")), static_cast<int>(numbers("rcv_wscale")));
  constexpr std::uint64_t kInitialTimeout = 3000000;
  if (numbers("rto") != kInitialTimeout) add_milliseconds(view, "rto", numbers("rto"));
  static constexpr Plain kBackoff[] = {{"backoff", "backoff"}};
  add_plain(view, numbers, kBackoff);
  if (numbers("rtt") != 0) view.addf(" rtt:%g/%g", milliseconds(numbers("rtt")), milliseconds(numbers("rttvar")));
  add_milliseconds(view, "ato", numbers("ato"));
  static constexpr Plain kSizes[] = {
      {"snd_mss", "mss"}, {"pmtu", "pmtu"}, {"rcv_mss", "rcvmss"}, {"advmss", "advmss"}, {"snd_cwnd", "cwnd"}};
  add_plain(view, numbers, kSizes);
  constexpr std::uint64_t kInfiniteThreshold = 0xffff;
  if (const auto threshold = numbers("snd_ssthresh"); threshold != 0 && threshold < kInfiniteThreshold)
    view.add(" ssthresh:" + std::to_string(threshold));
  static constexpr Plain kTraffic[] = {{"bytes_sent", "bytes_sent"},       {"bytes_retrans", "bytes_retrans"},
                                       {"bytes_acked", "bytes_acked"},     {"bytes_received", "bytes_received"},
                                       {"segs_out", "segs_out"},           {"segs_in", "segs_in"},
                                       {"data_segs_out", "data_segs_out"}, {"data_segs_in", "data_segs_in"}};
  add_plain(view, numbers, kTraffic);
  add_congestion(view, numbers);
  add_rates(view, numbers);
  static constexpr Plain kDelivered[] = {{"delivered", "delivered"}, {"delivered_ce", "delivered_ce"}};
  add_plain(view, numbers, kDelivered);
  if (numbers("delivery_rate_app_limited") != 0) view.add(" app_limited");
  add_busy_times(view, numbers);
  static constexpr Plain kUnacked[] = {{"unacked", "unacked"}};
  add_plain(view, numbers, kUnacked);
  if (numbers("retrans") != 0 || numbers("total_retrans") != 0)
    view.addf(" retrans:%u/%u", static_cast<unsigned>(numbers("retrans")),
              static_cast<unsigned>(numbers("total_retrans")));
  static constexpr Plain kLost[] = {{"lost", "lost"}}, kSacked[] = {{"sacked", "sacked"}};
  add_plain(view, numbers, kLost);
  // Of a listener it is the limit of its queue.
  if (row.state != model::kStateListen) add_plain(view, numbers, kSacked);
  static constexpr Plain kDuplicates[] = {{"dsack_dups", "dsack_dups"}, {"fackets", "fackets"}};
  add_plain(view, numbers, kDuplicates);
  constexpr std::uint64_t kUsualReordering = 3;
  if (const auto reordering = numbers("reordering"); reordering != kUsualReordering)
    view.add(" reordering:" + std::to_string(reordering));
  static constexpr Plain kReordered[] = {{"reord_seen", "reord_seen"}};
  add_plain(view, numbers, kReordered);
  add_milliseconds(view, "rcv_rtt", numbers("rcv_rtt"));
  static constexpr Plain kReceived[] = {
      {"rcv_space", "rcv_space"}, {"rcv_ssthresh", "rcv_ssthresh"}, {"notsent_bytes", "notsent"}};
  add_plain(view, numbers, kReceived);
  constexpr std::uint64_t kNeverMeasured = 0xffffffff;
  if (numbers("min_rtt") != kNeverMeasured) add_milliseconds(view, "minrtt", numbers("min_rtt"));
  static constexpr Plain kWindows[] = {{"rcv_ooopack", "rcv_ooopack"}, {"snd_wnd", "snd_wnd"}};
  add_plain(view, numbers, kWindows);
}

void add_tls(SsView& view, const model::TlsAttributes& tls) {
  if (tls.version) {
    if (*tls.version == 0x0303) view.add(" version: 1.2");
    else if (*tls.version == 0x0304) view.add(" version: 1.3");
    else view.addf(" version: unknown(%u)", *tls.version);
  }
  constexpr std::uint16_t kAesGcm128 = 51, kAesGcm256 = 52;
  if (tls.cipher == kAesGcm128) view.add(" cipher: aes-gcm-128");
  if (tls.cipher == kAesGcm256) view.add(" cipher: aes-gcm-256");
  const auto mode = [&](const char* label, std::optional<std::uint16_t> value) {
    static constexpr const char* kModes[] = {nullptr, "none", "sw", "hw", "hw-record"};
    if (!value) return;
    if (*value >= 1 && *value < std::size(kModes)) view.addf(" %s: %s", label, kModes[*value]);
    else view.addf(" %s: unknown(%u)", label, *value);
  };
  mode("rxconf", tls.rx_mode);
  mode("txconf", tls.tx_mode);
  if (tls.zero_copy_sendfile) view.add(" zc_ro_tx");
}

void add_subflow(SsView& view, const model::SubflowAttributes& subflow) {
  if (subflow.flags.value_or(0) != 0) {
    static constexpr std::string_view kLetters = "MmJjBbecv";  // MPTCP_SUBFLOW_FLAG_*, from bit 0 on
    std::string text = " flags:";
    for (std::size_t i = 0; i < kLetters.size(); ++i)
      if ((*subflow.flags >> i & 1u) != 0) text += kLetters[i];
    view.add(text);
  }
  if (subflow.remote_token && subflow.local_token && subflow.remote_id && subflow.local_id)
    view.addf(" token:%04x(id:%u)/%04x(id:%u)", *subflow.remote_token, *subflow.remote_id, *subflow.local_token,
              *subflow.local_id);
  if (subflow.map_sequence) view.addf(" seq:%llx", static_cast<unsigned long long>(*subflow.map_sequence));
  if (subflow.map_subflow_sequence) view.addf(" sfseq:%x", *subflow.map_subflow_sequence);
  if (subflow.subflow_sequence_offset) view.addf(" ssnoff:%x", *subflow.subflow_sequence_offset);
  if (subflow.map_data_length) view.addf(" maplen:%x", *subflow.map_data_length);
}

void add_tcp(SsView& view, const DumpRow& row) {
  // With tcp_info the kernel sends what follows here, too, and only then.
  if (!view.options.info) return;
  if (!row.details.info.empty()) add_tcp_info(view, row);
  const auto& attributes = row.attributes;
  if (attributes.md5_peers) {
    // The keys, which ss prints out of their place, are left out.
    std::string text = " md5keys:";
    for (const auto& peer : *attributes.md5_peers) {
      if (text.back() != ':') text += ',';
      text += peer.address.to_string() + '/' + std::to_string(peer.prefix_length) + '=';
    }
    view.add(text);
  }
  if (attributes.ulp_name) view.add(" tcp-ulp-" + escape_tool(*attributes.ulp_name));
  if (attributes.tls) add_tls(view, *attributes.tls);
  if (attributes.subflow) add_subflow(view, *attributes.subflow);
}

void add_mptcp(SsView& view, const DumpRow& row) {
  if (!view.options.info || row.details.info.empty()) return;
  const Numbers numbers(row.details.info);
  static constexpr Plain kCounts[] = {{"subflows", "subflows"},
                                      {"add_addr_signal", "add_addr_signal"},
                                      {"add_addr_accepted", "add_addr_accepted"},
                                      {"subflows_max", "subflows_max"},
                                      {"add_addr_signal_max", "add_addr_signal_max"},
                                      {"add_addr_accepted_max", "add_addr_accepted_max"}};
  add_plain(view, numbers, kCounts);
  constexpr std::uint64_t kFallback = 1, kRemoteKey = 2;  // MPTCP_INFO_FLAG_*
  if ((numbers("flags") & kFallback) != 0) view.add(" fallback");
  if ((numbers("flags") & kRemoteKey) != 0) view.add(" remote_key");
  for (const char* name : {"token", "write_seq", "snd_una", "rcv_nxt"})
    if (const auto value = numbers(name); value != 0)
      view.addf(" %s:%llx", name, static_cast<unsigned long long>(value));
}

void add_sctp(SsView& view, const DumpRow& row) {
  const auto addresses = [&](const char* label, const std::vector<base::IpAddress>& list) {
    for (std::size_t i = 0; i < list.size(); ++i)
      view.add((i == 0 ? ' ' + std::string(label) + ':' : std::string(",")) + list[i].to_string());
  };
  addresses("locals", row.details.rare->further_locals);
  addresses("peers", row.details.rare->further_peers);
  if (!view.options.info || row.details.info.empty()) return;
  const Numbers numbers(row.details.info);
  if (numbers("tag") != 0) view.addf(" tag:%x", static_cast<unsigned>(numbers("tag")));
  if (const auto state = numbers("state"); state != 0)
    view.add(" state:" + std::string(ss_association_state(state)));
  static constexpr Plain kBeforeTag[] = {
      {"rwnd", "rwnd"},       {"unackdata", "unackdata"}, {"penddata", "penddata"},     {"instrms", "instrms"},
      {"outstrms", "outstrms"}, {"inqueue", "inqueue"},   {"outqueue", "outqueue"},     {"overall_error", "overerr"},
      {"max_burst", "maxburst"}, {"maxseg", "maxseg"},    {"peer_rwnd", "prwnd"}};
  add_plain(view, numbers, kBeforeTag);
  if (numbers("peer_tag") != 0) view.addf(" ptag:%x", static_cast<unsigned>(numbers("peer_tag")));
  static constexpr Plain kAfterTag[] = {
      {"peer_capable", "pcapable"},   {"peer_sack", "psack"},       {"s_autoclose", "autoclose"},
      {"s_adaptation_ind", "adapind"}, {"s_pd_point", "pdpoint"},   {"s_nodelay", "nodelay"},
      {"s_disable_fragments", "nofrag"}, {"s_v4mapped", "v4mapped"}, {"s_frag_interleave", "fraginl"}};
  add_plain(view, numbers, kAfterTag);
}

}  // namespace

void ss_inet_details(SsView& view, const DumpRow& row, std::uint16_t type) {
  if (view.options.memory) {
    if (!row.details.skmeminfo.empty()) {
      ss_memory(view, row.details.skmeminfo);
    } else if (const auto& memory = row.attributes.meminfo) {
      view.addf(" mem:(r%u,w%u,f%u,t%u)", (*memory)[0], (*memory)[1], (*memory)[2], (*memory)[3]);
    }
  }
  if (type == model::kProtocolSctp) add_sctp(view, row);
  else if (type == model::kProtocolMptcp) add_mptcp(view, row);
  else add_tcp(view, row);
}

void ss_listed_tcp_info(SsView& view, const DumpRow& row) {
  // What ss takes for a socket without these columns: a window of two segments.
  constexpr std::int32_t kSlowStart = -1;
  const model::ListedTcp listed = row.attributes.listed_tcp.value_or(model::ListedTcp{0, 0, 0, 2, kSlowStart});
  const auto ticks = static_cast<double>(std::max<std::int64_t>(view.snapshot.host.clk_tck, 1));
  const auto seconds = [&](const char* label, double value) {
    if (value != 0) view.addf(" %s:%g", label, value / ticks);
  };
  constexpr double kInitialTimeout = 3;
  if (listed.rto_ticks != kInitialTimeout * ticks) seconds("rto", listed.rto_ticks);
  seconds("ato", listed.ato_ticks);
  const std::uint32_t quick = listed.quick_acks / 2;
  if (quick != 0) view.addf(" qack:%d", static_cast<int>(quick));
  if ((quick & 1) != 0) view.add(" bidir");
  if (listed.cwnd != 0) view.addf(" cwnd:%u", listed.cwnd);
  if (listed.ssthresh != kSlowStart && listed.ssthresh != 0) view.addf(" ssthresh:%d", listed.ssthresh);
  view.add(" reordering:0");
}

}  // namespace ssnap::render
