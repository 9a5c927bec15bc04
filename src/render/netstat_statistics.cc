// netstat -s: statistics.c of net-tools 2.10.
#include <algorithm>
#include <string>

#include "render/escape.h"
#include "render/netstat_parts.h"

namespace ssnap::render::netstat_parts {
namespace {

using model::CounterSection;

enum class Kind : std::uint8_t {
  always,
  unless_zero,
  input,   // of the histogram of ICMP messages received
  output,  // of those sent
  never,
};

// What is said of a counter: "#" stands for its value. netstat finds its words by bisection in lists that are not sorted
// throughout. Those that it never finds are not here either: it prints such counters by their names.
struct Words {
  std::string_view key, text;
  Kind kind;
};

constexpr Words kIp[] = {
    {"DefaultTTL", "", Kind::never},
    {"ForwDatagrams", "# forwarded", Kind::always},
    {"FragCreates", "# fragments created", Kind::unless_zero},
    {"FragFails", "# outgoing packets failed fragmentation", Kind::unless_zero},
    {"FragOKs", "# outgoing packets fragmented ok", Kind::unless_zero},
    {"InAddrErrors", "# with invalid addresses", Kind::unless_zero},
    {"InDelivers", "# incoming packets delivered", Kind::always},
    {"InDiscards", "# incoming packets discarded", Kind::always},
    {"InHdrErrors", "# with invalid headers", Kind::unless_zero},
    {"InReceives", "# total packets received", Kind::always},
    {"InUnknownProtos", "# with unknown protocol", Kind::unless_zero},
    {"OutDiscards", "# outgoing packets dropped", Kind::unless_zero},
    {"OutNoRoutes", "# dropped because of missing route", Kind::unless_zero},
    {"OutRequests", "# requests sent out", Kind::always},
    {"ReasmFails", "# packet reassemblies failed", Kind::unless_zero},
    {"ReasmOKs", "# packets reassembled ok", Kind::unless_zero},
    {"ReasmReqds", "# reassemblies required", Kind::unless_zero},
    {"ReasmTimeout", "# fragments dropped after timeout", Kind::unless_zero},
};
constexpr Words kIp6[] = {
    {"Ip6FragCreates", "# fragments created", Kind::unless_zero},
    {"Ip6FragFails", "# outgoing packets failed fragmentation", Kind::unless_zero},
    {"Ip6FragOKs", "# outgoing packets fragmented ok", Kind::unless_zero},
    {"Ip6InAddrErrors", "# with invalid addresses", Kind::unless_zero},
    {"Ip6InDelivers", "# incoming packets delivered", Kind::always},
    {"Ip6InDiscards", "# incoming packets discarded", Kind::always},
    {"Ip6InHdrErrors", "# with invalid headers", Kind::unless_zero},
    {"Ip6InMcastPkts", "# incoming multicast packets", Kind::unless_zero},
    {"Ip6InNoRoutes", "# incoming packets with no route", Kind::unless_zero},
    {"Ip6InReceives", "# total packets received", Kind::always},
    {"Ip6InTooBigErrors", "# with packets too big", Kind::unless_zero},
    {"Ip6InTruncatedPkts", "# with truncated packets", Kind::unless_zero},
    {"Ip6InUnknownProtos", "# with unknown protocol", Kind::unless_zero},
    {"Ip6OutDiscards", "# outgoing packets dropped", Kind::unless_zero},
    {"Ip6OutForwDatagrams", "# forwarded", Kind::always},
    {"Ip6OutMcastPkts", "# outgoing multicast packets", Kind::unless_zero},
    {"Ip6OutNoRoutes", "# dropped because of missing route", Kind::unless_zero},
    {"Ip6OutRequests", "# requests sent out", Kind::always},
    {"Ip6ReasmFails", "# packet reassemblies failed", Kind::unless_zero},
    {"Ip6ReasmOKs", "# packets reassembled ok", Kind::unless_zero},
    {"Ip6ReasmReqds", "# reassemblies required", Kind::unless_zero},
    {"Ip6ReasmTimeout", "# fragments dropped after timeout", Kind::unless_zero},
};
constexpr Words kIcmp[] = {
    {"InAddrMaskReps", "address mask replies: #", Kind::input},
    {"InAddrMasks", "address mask request: #", Kind::input},
    {"InDestUnreachs", "destination unreachable: #", Kind::input},
    {"InEchoReps", "echo replies: #", Kind::input},
    {"InEchos", "echo requests: #", Kind::input},
    {"InErrors", "# input ICMP message failed", Kind::always},
    {"InMsgs", "# ICMP messages received", Kind::always},
    {"InParmProbs", "wrong parameters: #", Kind::input},
    {"InRedirects", "redirects: #", Kind::input},
    {"InSrcQuenchs", "source quenches: #", Kind::input},
    {"InTimeExcds", "timeout in transit: #", Kind::input},
    {"InTimestampReps", "timestamp reply: #", Kind::input},
    {"InTimestamps", "timestamp request: #", Kind::input},
    {"OutAddrMaskReps", "address mask replies: #", Kind::output},
    {"OutAddrMasks", "address mask requests: #", Kind::output},
    {"OutDestUnreachs", "destination unreachable: #", Kind::output},
    {"OutEchoReps", "echo replies: #", Kind::output},
    {"OutEchos", "echo requests: #", Kind::output},
    {"OutErrors", "# ICMP messages failed", Kind::always},
    {"OutMsgs", "# ICMP messages sent", Kind::always},
    {"OutParmProbs", "wrong parameters: #", Kind::output},
    {"OutRedirects", "redirect: #", Kind::output},
    {"OutSrcQuenchs", "source quench: #", Kind::output},
    {"OutTimeExcds", "time exceeded: #", Kind::output},
    {"OutTimestampReps", "timestamp replies: #", Kind::output},
    {"OutTimestamps", "timestamp requests: #", Kind::output},
};
constexpr Words kIcmp6[] = {
    {"Icmp6InDestUnreachs", "destination unreachable: #", Kind::input},
    {"Icmp6InEchoReplies", "echo replies: #", Kind::input},
    {"Icmp6InEchos", "echo requests: #", Kind::input},
    {"Icmp6InErrors", "# input ICMP message failed", Kind::always},
    {"Icmp6InGroupMembQueries", "group member queries: #", Kind::input},
    {"Icmp6InGroupMembReductions", "group member reductions: #", Kind::input},
    {"Icmp6InGroupMembResponses", "group member responses: #", Kind::input},
    {"Icmp6InMsgs", "# ICMP messages received", Kind::always},
    {"Icmp6InNeighborAdvertisements", "neighbour advertisement: #", Kind::input},
    {"Icmp6InNeighborSolicits", "neighbour solicits: #", Kind::input},
    {"Icmp6InParmProblems", "parameter problem: #", Kind::input},
    {"Icmp6InPktTooBigs", "packets too big: #", Kind::input},
    {"Icmp6InRedirects", "redirects: #", Kind::input},
    {"Icmp6InRouterAdvertisements", "router advertisement: #", Kind::input},
    {"Icmp6InRouterSolicits", "router solicits: #", Kind::input},
    {"Icmp6InTimeExcds", "received ICMPv6 time exceeded: #", Kind::input},
    {"Icmp6OutDestUnreachs", "destination unreachable: #", Kind::output},
    {"Icmp6OutEchoReplies", "echo replies: #", Kind::output},
    {"Icmp6OutEchos", "echo requests: #", Kind::output},
    {"Icmp6OutGroupMembQueries", "group member queries: #", Kind::output},
    {"Icmp6OutGroupMembReductions", "group member reductions: #", Kind::output},
    {"Icmp6OutGroupMembResponses", "group member responses: #", Kind::output},
    {"Icmp6OutMsgs", "# ICMP messages sent", Kind::always},
    {"Icmp6OutNeighborAdvertisements", "neighbor advertisements: #", Kind::output},
    {"Icmp6OutNeighborSolicits", "neighbor solicits: #", Kind::output},
    {"Icmp6OutParmProblems", "parameter problem: #", Kind::output},
    {"Icmp6OutPktTooBigs", "packets too big: #", Kind::output},
    {"Icmp6OutRedirects", "redirects: #", Kind::output},
    {"Icmp6OutRouterAdvertisements ", "router advertisement: #", Kind::output},
    {"Icmp6OutRouterSolicits", "router solicits: #", Kind::output},
    {"Icmp6OutTimeExcds", "sent ICMPv6 time exceeded: #", Kind::output},
};
constexpr Words kTcp[] = {
    {"ActiveOpens", "# active connection openings", Kind::always},
    {"AttemptFails", "# failed connection attempts", Kind::always},
    {"CurrEstab", "# connections established", Kind::always},
    {"EstabResets", "# connection resets received", Kind::always},
    {"InErrs", "# bad segments received", Kind::always},
    {"InSegs", "# segments received", Kind::always},
    {"MaxConn", "", Kind::never},
    {"OutRsts", "# resets sent", Kind::always},
    {"OutSegs", "# segments sent out", Kind::always},
    {"PassiveOpens", "# passive connection openings", Kind::always},
    {"RetransSegs", "# segments retransmitted", Kind::always},
    {"RtoAlgorithm", "", Kind::never},
    {"RtoMax", "", Kind::never},
    {"RtoMin", "", Kind::never},
};
constexpr Words kUdp[] = {
    {"InDatagrams", "# packets received", Kind::always},
    {"InErrors", "# packet receive errors", Kind::always},
    {"NoPorts", "# packets to unknown port received", Kind::always},
    {"OutDatagrams", "# packets sent", Kind::always},
    {"RcvbufErrors", "# receive buffer errors", Kind::always},
    {"SndbufErrors", "# send buffer errors", Kind::always},
};
constexpr Words kUdp6[] = {
    {"Udp6InDatagrams", "# packets received", Kind::always},
    {"Udp6InErrors", "# packet receive errors", Kind::always},
    {"Udp6NoPorts", "# packets to unknown port received", Kind::always},
    {"Udp6OutDatagrams", "# packets sent", Kind::always},
};
constexpr Words kTcpExt[] = {
    {"DelayedACKLocked", "# delayed acks further delayed because of locked socket", Kind::unless_zero},
    {"DelayedACKLost", "Quick ack mode was activated # times", Kind::unless_zero},
    {"DelayedACKs", "# delayed acks sent", Kind::unless_zero},
    {"EmbryonicRsts", "# resets received for embryonic SYN_RECV sockets", Kind::unless_zero},
    {"ListenDrops", "# SYNs to LISTEN sockets dropped", Kind::unless_zero},
    {"ListenOverflows", "# times the listen queue of a socket overflowed", Kind::unless_zero},
    {"LockDroppedIcmps", "# ICMP packets dropped because socket was locked", Kind::unless_zero},
    {"OfoPruned", "# packets dropped from out-of-order queue because of socket buffer overrun", Kind::unless_zero},
    {"OutOfWindowIcmps", "# ICMP packets dropped because they were out-of-window", Kind::unless_zero},
    {"PAWSActive", "# active connections rejected because of time stamp", Kind::unless_zero},
    {"PAWSEstab", "# packets rejected in established connections because of timestamp", Kind::unless_zero},
    {"PAWSPassive", "# passive connections rejected because of time stamp", Kind::unless_zero},
    {"PruneCalled", "# packets pruned from receive queue because of socket buffer overrun", Kind::unless_zero},
    {"RcvPruned", "# packets pruned from receive queue", Kind::unless_zero},
    {"SockMallocOOM", "Ran # times out of system memory during packet sending", Kind::unless_zero},
    {"SyncookiesFailed", "# invalid SYN cookies received", Kind::unless_zero},
    {"SyncookiesRecv", "# SYN cookies received", Kind::unless_zero},
    {"SyncookiesSent", "# SYN cookies sent", Kind::unless_zero},
    {"TCPAbortFailed", "# times unable to send RST due to no memory", Kind::unless_zero},
    {"TCPAbortOnClose", "# connections reset due to early user close", Kind::unless_zero},
    {"TCPAbortOnData", "# connections reset due to unexpected data", Kind::unless_zero},
    {"TCPAbortOnLinger", "# connections aborted after user close in linger timeout", Kind::unless_zero},
    {"TCPAbortOnMemory", "# connections aborted due to memory pressure", Kind::unless_zero},
    {"TCPAbortOnSyn", "# connections reset due to unexpected SYN", Kind::unless_zero},
    {"TCPAbortOnTimeout", "# connections aborted due to timeout", Kind::unless_zero},
    {"TCPDirectCopyFromBacklog", "# bytes directly in process context from backlog", Kind::unless_zero},
    {"TCPFACKReorder", "Detected reordering # times using FACK", Kind::unless_zero},
    {"TCPFastRetrans", "# fast retransmits", Kind::unless_zero},
    {"TCPForwardRetrans", "# forward retransmits", Kind::unless_zero},
    {"TCPFullUndo", "# congestion windows fully recovered without slow start", Kind::unless_zero},
    {"TCPHPAcks", "# predicted acknowledgments", Kind::unless_zero},
    {"TCPHPHits", "# packet headers predicted", Kind::always},
    {"TCPHPHitsToUser", "# packet headers predicted and directly queued to user", Kind::unless_zero},
    {"TCPLossFailures", "# timeouts in loss state", Kind::unless_zero},
    {"TCPLossUndo", "# congestion windows recovered without slow start after partial ack", Kind::unless_zero},
    {"TCPLostRetransmits", "# retransmits lost", Kind::unless_zero},
    {"TCPMemoryPressures", "TCP ran low on memory # times", Kind::unless_zero},
    {"TCPPartialUndo", "# congestion windows partially recovered using Hoe heuristic", Kind::unless_zero},
    {"TCPPrequeued", "# packets directly queued to recvmsg prequeue", Kind::unless_zero},
    {"TCPPureAcks", "# acknowledgments not containing data payload received", Kind::unless_zero},
    {"TCPRcvCollapsed", "# packets collapsed in receive queue due to low socket buffer", Kind::unless_zero},
    {"TCPRenoFailures", "# timeouts after reno fast retransmit", Kind::unless_zero},
    {"TCPRenoRecovery", "# times recovered from packet loss due to fast retransmit", Kind::unless_zero},
    {"TCPRenoReorder", "Detected reordering # times using reno fast retransmit", Kind::unless_zero},
    {"TCPSACKReorder", "Detected reordering # times using SACK", Kind::unless_zero},
    {"TCPSchedulerFailed", "# times receiver scheduled too late for direct processing", Kind::unless_zero},
    {"TCPSlowStartRetrans", "# retransmits in slow start", Kind::unless_zero},
    {"TCPTSReorder", "Detected reordering # times using time stamp", Kind::unless_zero},
    {"TW", "# TCP sockets finished time wait in fast timer", Kind::unless_zero},
    {"TWRecycled", "# time wait sockets recycled by time stamp", Kind::unless_zero},
};
constexpr Words kSctp[] = {
    {"SctpAborteds", "# Number of Aborteds ", Kind::always},
    {"SctpActiveEstabs", "# Active Associations", Kind::always},
    {"SctpChecksumErrors", "# Number of Packets with invalid Checksum", Kind::always},
    {"SctpCurrEstab", "# Current Associations", Kind::always},
    {"SctpFragUsrMsgs", "# Number of messages fragmented", Kind::always},
    {"SctpInCtrlChunks", "# Number of control chunks received", Kind::always},
    {"SctpInOrderChunks", "# Number of ordered chunks received", Kind::always},
    {"SctpInSCTPPacks", "# Number of SCTP packets received", Kind::always},
    {"SctpInUnorderChunks", "# Number of Unordered chunks received", Kind::always},
    {"SctpOutCtrlChunks", "# Number of control chunks sent", Kind::always},
    {"SctpOutOfBlues", "# Number of Out of Blue packets", Kind::always},
    {"SctpOutOrderChunks", "# Number of ordered chunks sent", Kind::always},
    {"SctpOutSCTPPacks", "# Number of SCTP packets sent", Kind::always},
    {"SctpOutUnorderChunks", "# Number of Unordered chunks sent", Kind::always},
    {"SctpPassiveEstabs", "# Passive Associations", Kind::always},
    {"SctpReasmUsrMsgs", "# Number of messages reassembled ", Kind::always},
    {"SctpShutdowns", "# Number of Graceful Terminations", Kind::always},
};

// The protocols that -t -u -S -w choose; -w stands for IP and ICMP.
struct Title {
  std::string_view name;
  const Words* words;
  std::size_t count;
  bool NetstatOptions::*wanted;
};

template <std::size_t count>
constexpr Title title(std::string_view name, const Words (&words)[count], bool NetstatOptions::*wanted) {
  return {name, words, count, wanted};
}

constexpr Title kTitles[] = {
    title("Ip", kIp, &NetstatOptions::raw),   title("Icmp", kIcmp, &NetstatOptions::raw),
    title("Tcp", kTcp, &NetstatOptions::tcp), title("Udp", kUdp, &NetstatOptions::udp),
    title("Sctp", kSctp, &NetstatOptions::sctp), title("TcpExt", kTcpExt, &NetstatOptions::tcp),
};
constexpr Title kTitles6[] = {
    title("Ip6", kIp6, &NetstatOptions::raw),
    title("Icmp6", kIcmp6, &NetstatOptions::raw),
    title("Udp6", kUdp6, &NetstatOptions::udp),
    title("Tcp6", kTcp, &NetstatOptions::tcp),
};

class Statistics {
 public:
  Statistics(const NetstatOptions& options, std::string& out) : options_(options), out_(out) {
    all_ = !(options.tcp || options.udp || options.udplite || options.sctp || options.raw);
  }

  void sections(const std::vector<CounterSection>& sections, std::string_view prefix) {
    for (const auto& section : sections) {
      if (!section.name.starts_with(prefix)) continue;
      begin(kTitles, section.name);
      for (const auto& [key, value] : section.values) counter(key, value);
    }
  }

  // Without sections: the name of each counter begins with that of its protocol, up to the digit 6.
  void lines6(const std::vector<CounterSection>& lines) {
    std::string protocol;
    for (const auto& section : lines)
      for (const auto& [key, value] : section.values) {
        if (protocol.empty() || key.find(protocol) == std::string::npos) {
          protocol = key.substr(0, std::min(key.find('6'), key.size() - 1) + 1);
          begin(kTitles6, protocol);
        }
        counter(key, value);
      }
  }

  void lines_of(std::string_view protocol, const std::vector<CounterSection>& lines) {
    begin(kTitles, protocol);
    for (const auto& section : lines)
      for (const auto& [key, value] : section.values) counter(key, value);
  }

 private:
  // One that it doesn't know is always shown, with the names of its counters.
  template <std::size_t count>
  void begin(const Title (&titles)[count], std::string_view name) {
    title_ = nullptr;
    for (const Title& known : titles)
      if (known.name == name) title_ = &known;
    shown_ = title_ == nullptr || all_ || options_.*title_->wanted;
    if (shown_) out_ += escape_tool(name) + ":\n";
    if (title_ != nullptr) histogram_ = Kind::always;
  }

  void counter(std::string_view key, std::uint64_t value) {
    if (!shown_) return;
    const Words* words = nullptr;
    for (std::size_t i = 0; title_ != nullptr && i < title_->count; ++i)
      if (title_->words[i].key == key) words = &title_->words[i];
    if (words == nullptr) {
      if (value != 0) line(histogram_, escape_tool(key) + ": " + std::to_string(value));
      return;
    }
    if (words->kind == Kind::never) return;
    const bool is_histogram = words->kind == Kind::input || words->kind == Kind::output;
    // The title of a histogram is indented as what came before.
    if (is_histogram && histogram_ != words->kind)
      line(histogram_, words->kind == Kind::input ? "ICMP input histogram:" : "ICMP output histogram:");
    if (value != 0 || words->kind == Kind::always) {
      std::string text(words->text);
      text.replace(text.find('#'), 1, std::to_string(value));
      line(words->kind, text);
    }
    histogram_ = is_histogram ? words->kind : Kind::always;
  }

  void line(Kind kind, const std::string& text) {
    out_.append(kind == Kind::input || kind == Kind::output ? 8 : 4, ' ');
    out_ += text + '\n';
  }

  const NetstatOptions& options_;
  std::string& out_;
  bool all_ = false, shown_ = false;
  const Title* title_ = nullptr;
  Kind histogram_ = Kind::always;  // `always`: in none
};

}  // namespace

void add_statistics(const model::NetTables& tables, const NetstatOptions& options, NetstatAnswer& answer) {
  const int families = options.inet + options.inet6 + options.unix_sockets;
  if (families > 1 || options.unix_sockets) {
    std::string list;
    for (const auto& [given, name] : {std::pair{options.inet, "inet"}, {options.inet6, "inet6"}, {options.unix_sockets, "unix"}})
      if (given) list += (list.empty() ? "" : ",") + std::string(name);
    answer.output += "netstat: No statistics support for specified address family: " + list + '\n';
    return;
  }
  Statistics statistics(options, answer.output);
  const auto cannot_open = [&](std::string_view file) {
    answer.complaint = "cannot open /proc/net/" + std::string(file) + ": No such file or directory";
  };
  if (options.inet6) {
    if (!tables.snmp6) return cannot_open("snmp6");
    statistics.lines6(*tables.snmp6);
    if (!tables.snmp) return cannot_open("snmp");
    return statistics.sections(*tables.snmp, "Tcp");
  }
  if (!tables.snmp) return cannot_open("snmp");
  statistics.sections(*tables.snmp, "");
  if (tables.netstat) statistics.sections(*tables.netstat, "");
  if (tables.sctp_snmp) statistics.lines_of("Sctp", *tables.sctp_snmp);
}

}  // namespace ssnap::render::netstat_parts
