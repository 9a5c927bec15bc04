#include "pipeline/member_table.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/beside.h"
#include "base/clock.h"
#include "base/text_cursor.h"
#include "decode/tcp_info.h"
#include "pipeline/capture_members.h"
#include "pipeline/process_members.h"
#include "pipeline/raw_views.h"
#include "reconstruct/net_tables.h"

namespace ssnap::pipeline {
namespace {

using reconstruct::Records;

// Socket tables.

// Notes that the namespace has this view of a table, also where it is empty. False if it was known.
bool note_view(Replay& replay, const reconstruct::Origin& origin, model::View view, std::uint16_t family, std::uint16_t protocol) {
  return replay.records.views[origin.netns].insert({view, family, protocol}).second;
}

// Members that are worth a thread of their own while they are decoded.
constexpr std::size_t kWorthAThread = 256 * 1024;

bool is_worth_a_thread(const Context& context) {
  return context.member.bytes.size() >= kWorthAThread && context.member.held != nullptr;
}

// Calls keep(replay, decode(bytes)): for a large member `decode` in a thread beside the reading of those after it, and `keep`
// when it is done. Neither may hold a view of the member.
template <class Decode, class Keep>
void decode_beside(const Context& context, const Decode& decode, const Keep& keep) {
  Replay& replay = context.replay;
  if (!is_worth_a_thread(context)) return keep(replay, decode(context.member.bytes));
  finish_decoding(replay);
  const auto bytes = std::make_shared<std::string>(std::move(*context.member.held));
  const std::function<std::function<void(Replay&)>()> work = [bytes, decode, keep] {
    auto decoded = std::make_shared<decltype(decode(std::string_view()))>(decode(*bytes));
    std::string().swap(*bytes);
    return [decoded, keep](Replay& to) { keep(to, std::move(*decoded)); };
  };
  replay.decoding = base::beside(work);
}

// Takes the numbers of tcp_info and its like out of the member's bytes, row by row.
class InfoReader {
 public:
  InfoReader(std::string_view member, base::ByteOrder order, bool keep_congestion)
      : member_(member), order_(order), keep_congestion_(keep_congestion) {}

  // Of the dump's last row.
  model::InfoFields read(const decode::InetDiagDump& dump) {
    const auto& attributes = dump.rows.back().attributes;
    if (!attributes || !attributes->info) return {};
    fields_.clear();
    decode::append_info(structure_of(dump), bytes_of(*attributes->info), order_, fields_);
    if (const auto& congestion = attributes->congestion_info; congestion && keep_congestion_) {
      const auto more = decode::decode_congestion_info(congestion->attribute_type, bytes_of(congestion->bytes), order_);
      fields_.insert(fields_.end(), more.begin(), more.end());
    }
    return packer_.pack(std::span<const decode::InfoField>(fields_));
  }

 private:
  static decode::InfoStructure structure_of(const decode::InetDiagDump& dump) {
    switch (dump.request_protocol.value_or(model::kProtocolTcp)) {
      case model::kProtocolMptcp: return decode::InfoStructure::mptcp;
      case model::kProtocolSctp: return decode::InfoStructure::sctp;
      default: return decode::InfoStructure::tcp;
    }
  }
  std::string_view bytes_of(decode::ByteSpan span) const { return member_.substr(span.offset, span.length); }

  std::string_view member_;
  base::ByteOrder order_;
  bool keep_congestion_;
  model::InfoPacker packer_;
  std::vector<decode::InfoField> fields_;
};

struct DecodedInet {
  reconstruct::InetDump now, earlier;
};

// The dump of the same table and namespace before this one, if it is by an earlier pass and decoded: its place in
// Records::inet_dumps. The one at `place` is the next one's.
std::optional<std::size_t> earlier_dump(const Context& context, const reconstruct::Origin& origin, std::size_t place) {
  const std::string_view table = context.name.substr(context.name.rfind('/') + 1);
  const auto [last, is_first] = context.replay.last_dumps.try_emplace({origin.netns, std::string(table)}, place);
  if (is_first) return std::nullopt;
  const std::size_t before = std::exchange(last->second, place);
  const auto& dump = context.records().inet_dumps[before];
  if (dump.origin.pass >= origin.pass || dump.dump.rows.empty()) return std::nullopt;
  return before;
}

void read_inet_diag(const Context& context) {
  if (is_worth_a_thread(context)) finish_decoding(context.replay);
  const auto origin = context.origin();
  auto& dumps = context.records().inet_dumps;
  const std::size_t place = dumps.size();
  // What this dump says again is forgotten while it is decoded: the two are never there whole.
  const auto replaced = context.replay.keep_first_dump ? std::nullopt : earlier_dump(context, origin, place);
  const auto earlier = std::make_shared<reconstruct::InetDump>();
  if (replaced) *earlier = std::exchange(dumps[*replaced], reconstruct::InetDump{dumps[*replaced].origin, {}, {}});
  dumps.push_back({origin, {}, {}});
  const auto decode = [earlier, origin, order = context.replay.byte_order, keep_info = context.replay.keep_info,
                       keep_congestion = context.replay.keep_first_dump](std::string_view bytes) {
    DecodedInet decoded{{origin, {}, {}}, std::move(*earlier)};
    InfoReader info(bytes, order, keep_congestion);
    reconstruct::ForgetReplaced forget(decoded.earlier);
    decoded.now.dump = decode::decode_inet_diag(bytes, [&](const decode::InetDiagDump& dump) {
      if (keep_info) {
        decoded.now.info.reserve(dump.rows.capacity());
        decoded.now.info.push_back(info.read(dump));
      }
      forget(dump);
    });
    return decoded;
  };
  decode_beside(context, decode, [origin, place, replaced, name = std::string(context.name)](Replay& replay, DecodedInet decoded) {
    const auto& dump = decoded.now.dump;
    report(replay, name, dump.problems);
    reconstruct::add_collector_port(replay.records, origin.netns, dump.end);
    if (dump.end.done && dump.end.errno_number == 0) {
      const std::uint16_t protocol = dump.request_protocol.value_or(model::kProtocolTcp);
      const std::uint8_t family = dump.request_family.value_or(0);
      if (family != model::kFamilyInet6) note_view(replay, origin, model::View::inet_diag, model::kFamilyInet, protocol);
      if (family != model::kFamilyInet) note_view(replay, origin, model::View::inet_diag, model::kFamilyInet6, protocol);
    }
    if (replaced) replay.records.inet_dumps[*replaced] = std::move(decoded.earlier);
    replay.records.inet_dumps[place] = std::move(decoded.now);
  });
}

// A dump of another family: one decoder, one list, one view.
template <auto decode, auto list, model::View view, std::uint16_t family>
void read_dump(const Context& context) {
  auto dump = decode(context.member.bytes);
  context.report(dump.problems);
  const auto origin = context.origin();
  reconstruct::add_collector_port(context.records(), origin.netns, dump.end);
  if (dump.end.done && dump.end.errno_number == 0) note_view(context.replay, origin, view, family, 0);
  (context.records().*list).emplace_back(origin, std::move(dump));
}

decode::NetlinkDiagDump decode_netlink(std::string_view bytes) { return decode::decode_netlink_diag(bytes); }

void read_rtnetlink(const Context& context) {
  const auto dump = decode::decode_rtnetlink(context.member.bytes);
  context.report(dump.problems);
  const auto origin = context.origin();
  reconstruct::add_collector_port(context.records(), origin.netns, dump.end);
  reconstruct::add_links_of_netns(context.records(), origin.netns, dump.links);
  reconstruct::add_addresses_of_netns(context.records(), origin.netns, dump.addresses);
  if (context.replay.keep_net_tables) reconstruct::add_interfaces(context.records().net_tables[origin.netns], dump);
}

// The tables of /proc/net that are not about sockets.

base::Decoded<decode::ProcNetDevRow> decode_dev(std::string_view bytes, base::ByteOrder) { return decode::decode_proc_net_dev(bytes); }
base::Decoded<decode::ProcNetRouteRow> decode_route6(std::string_view bytes, base::ByteOrder) { return decode::decode_proc_net_ipv6_route(bytes); }
base::Decoded<decode::ProcNetIgmpRow> decode_igmp6(std::string_view bytes, base::ByteOrder) { return decode::decode_proc_net_igmp6(bytes); }
base::Decoded<decode::ProcNetSnmpSection> decode_counters(std::string_view bytes, base::ByteOrder) { return decode::decode_proc_net_snmp(bytes); }
base::Decoded<decode::ProcNetSnmpSection> decode_counter_lines(std::string_view bytes, base::ByteOrder) { return decode::decode_proc_net_snmp6(bytes); }

template <auto decode, auto table>
void read_net_table(const Context& context) {
  if (!context.replay.keep_net_tables) return;
  auto& kept = context.records().net_tables[context.origin().netns].*table;
  // A plain copy of /proc holds the same table below several names: the first one counts.
  if (kept) return;
  auto decoded = decode(context.member.bytes, context.replay.byte_order);
  context.report(decoded.problems);
  kept = reconstruct::to_model(std::move(decoded.rows));
}

// Every table of sockets begins with a header, also where there are none: a file of 0 bytes is no table. Files of /proc have
// size 0 to a collector that copies by size.
bool is_empty_table(const Context& context, const reconstruct::Origin& origin, model::View view, std::uint16_t family,
                    std::uint16_t protocol) {
  if (!context.member.bytes.empty()) return false;
  context.replay.empty_tables.push_back({origin.netns, {view, family, protocol}, std::string(context.name)});
  return true;
}

void read_proc_net_inet(const Context& context, model::View view, std::uint16_t family, std::uint16_t protocol) {
  const auto origin = context.origin();
  if (is_empty_table(context, origin, view, family, protocol)) return;
  // A plain copy of /proc holds the same table below several names: the first one counts.
  if (!note_view(context.replay, origin, view, family, protocol)) return;
  auto& tables = context.records().proc_net_inet;
  const std::size_t place = tables.size();
  tables.push_back({origin, view, family, protocol, {}});
  decode_beside(
      context,
      [order = context.replay.byte_order](std::string_view bytes) { return decode::decode_proc_net_inet(bytes, order); },
      [place, name = std::string(context.name)](Replay& replay, base::Decoded<decode::ProcNetInetRow> table) {
        report(replay, name, table.problems);
        replay.records.proc_net_inet[place].rows = std::move(table.rows);
      });
}

template <model::View view, std::uint16_t family, std::uint16_t protocol>
void read_proc_net_inet(const Context& context) {
  read_proc_net_inet(context, view, family, protocol);
}

// A table of /proc/net of another family.
template <auto decode, auto list, model::View view, std::uint16_t family>
void read_proc_net(const Context& context) {
  const auto origin = context.origin();
  if (is_empty_table(context, origin, view, family, 0)) return;
  if (!note_view(context.replay, origin, view, family, 0)) return;
  auto table = decode(context.member.bytes);
  context.report(table.problems);
  (context.records().*list).push_back({origin, std::move(table.rows)});
}

void read_sockstat(const Context& context) {
  const auto rows = decode::decode_proc_net_sockstat(context.member.bytes);
  context.report(rows.problems);
  reconstruct::add_sockstat(context.records(), context.origin().netns, rows.rows);
}

void read_protocols(const Context& context) {
  const auto rows = decode::decode_proc_net_protocols(context.member.bytes);
  context.report(rows.problems);
  reconstruct::add_protocols(context.records(), context.origin().netns, rows.rows);
}

void read_sockprotonames(const Context& context) {
  base::Problems problems;
  auto origin = context.origin();
  origin.netns = 0;
  if (context.stars.at(0).starts_with("pass")) origin.pass = base::parse_integer<std::uint8_t>(context.stars[0].substr(4)).value_or(1);
  reconstruct::add_sockprotonames(context.records(), origin, context.member.bytes, problems);
  context.report(problems);
}

void read_cgroup_ids(const Context& context) {
  base::Problems problems;
  reconstruct::add_cgroup_ids(context.records(), context.member.bytes, problems);
  context.report(problems);
}

void read_exe_hashes(const Context& context) {
  const auto decoded = decode::decode_exe_hashes(context.member.bytes);
  context.report(decoded.problems);
  reconstruct::add_exe_hashes(context.records(), decoded.rows);
}

void read_snmp(const Context& context) {
  // Of a plain copy of /proc the first of its names counts.
  if (const auto value = decode::decode_proc_net_snmp_value(context.member.bytes, "Tcp", "CurrEstab"))
    context.records().netns_facts[context.origin().netns].counters.emplace("Tcp.CurrEstab", *value);
  read_net_table<decode_counters, &model::NetTables::snmp>(context);
}

// The host.

void read_passwd(const Context& context) {
  const auto rows = decode::decode_passwd(context.member.bytes);
  context.report(rows.problems);
  reconstruct::add_passwd(context.records(), rows.rows);
}

void read_services(const Context& context) {
  auto rows = decode::decode_services(context.member.bytes);
  context.report(rows.problems);
  reconstruct::add_services(context.records(), std::move(rows.rows));
}

void read_local_port_range(const Context& context) {
  if (const auto range = decode::decode_ip_local_port_range(context.member.bytes))
    reconstruct::add_local_port_range(context.records(), context.origin().netns, *range);
}

void read_protocol_names(const Context& context) {
  auto decoded = decode::decode_protocols(context.member.bytes);
  context.report(decoded.problems);
  // The first line of a number counts, as for getprotobynumber().
  for (auto& row : decoded.rows) context.records().ip_protocols.emplace(row.number, std::move(row.name));
}

// capture.json is more exact; a plain copy of /proc has only this.
void read_proc_stat(const Context& context) {
  if (context.replay.has_capture_info) return;
  if (const auto btime = decode::decode_proc_stat_btime(context.member.bytes))
    context.records().boot_realtime_nsec = base::multiply_time(*btime, base::kNsecPerSec);
}

template <std::optional<std::string> model::Host::*field>
void read_host_line(const Context& context) {
  auto& value = context.records().host.*field;
  if (value) return;
  const auto line = base::LineReader(context.member.bytes).next();
  if (line && !line->text.empty()) value = std::string(line->text);
}

struct Row {
  std::string_view pattern;  // "*" stands for one component
  void (*read)(const Context&);
};

using model::View;
constexpr std::uint16_t kIn = model::kFamilyInet, kIn6 = model::kFamilyInet6;

// The tables of /proc/net, which an archive has once a namespace and a copy of /proc in one of three places.
#define SSNAP_NETLINK(table, function) {"netns/*/netlink/*/" table ".pcap", function}
#define SSNAP_PROC_NET(file, function) \
  {"netns/*/proc/net/" file, function}, {"proc/net/" file, function}, {"proc/self/net/" file, function}, \
      {"proc/1/net/" file, function}
// The files of a process and of its threads.
#define SSNAP_TASK(file, function) {"proc/*/" file, function}, {"proc/*/task/*/" file, function}

constexpr Row kRows[] = {
    {"capture.json", read_capture_info},
    {"end.json", read_end_info},
    {"journal/*", read_journal},
    SSNAP_NETLINK("inet_diag-tcp", read_inet_diag),
    SSNAP_NETLINK("inet_diag-udp4", read_inet_diag),
    SSNAP_NETLINK("inet_diag-udp6", read_inet_diag),
    SSNAP_NETLINK("inet_diag-udplite4", read_inet_diag),
    SSNAP_NETLINK("inet_diag-udplite6", read_inet_diag),
    SSNAP_NETLINK("inet_diag-raw4", read_inet_diag),
    SSNAP_NETLINK("inet_diag-raw6", read_inet_diag),
    SSNAP_NETLINK("inet_diag-mptcp4", read_inet_diag),
    SSNAP_NETLINK("inet_diag-mptcp6", read_inet_diag),
    SSNAP_NETLINK("inet_diag-sctp4", read_inet_diag),
    SSNAP_NETLINK("inet_diag-sctp6", read_inet_diag),
    SSNAP_NETLINK("inet_diag-dccp", read_inet_diag),
    SSNAP_NETLINK("inet_diag-dccp4", read_inet_diag),
    SSNAP_NETLINK("inet_diag-dccp6", read_inet_diag),
    SSNAP_NETLINK("unix_diag", (read_dump<decode::decode_unix_diag, &Records::unix_dumps, View::unix_diag, model::kFamilyUnix>)),
    SSNAP_NETLINK("packet_diag", (read_dump<decode::decode_packet_diag, &Records::packet_dumps, View::packet_diag, model::kFamilyPacket>)),
    SSNAP_NETLINK("netlink_diag", (read_dump<decode_netlink, &Records::netlink_dumps, View::netlink_diag, model::kFamilyNetlink>)),
    SSNAP_NETLINK("vsock_diag", (read_dump<decode::decode_vsock_diag, &Records::vsock_dumps, View::vsock_diag, model::kFamilyVsock>)),
    SSNAP_NETLINK("xdp_diag", (read_dump<decode::decode_xdp_diag, &Records::xdp_dumps, View::xdp_diag, model::kFamilyXdp>)),
    SSNAP_NETLINK("tipc_diag", (read_dump<decode::decode_tipc_diag, &Records::tipc_dumps, View::tipc_diag, model::kFamilyTipc>)),
    SSNAP_NETLINK("smc_diag", (read_dump<decode::decode_smc_diag, &Records::smc_dumps, View::smc_diag, model::kFamilySmc>)),
    SSNAP_NETLINK("rtnetlink-link", read_rtnetlink),
    SSNAP_NETLINK("rtnetlink-addr", read_rtnetlink),
    SSNAP_PROC_NET("tcp", (read_proc_net_inet<View::proc_net_tcp, kIn, model::kProtocolTcp>)),
    SSNAP_PROC_NET("tcp6", (read_proc_net_inet<View::proc_net_tcp6, kIn6, model::kProtocolTcp>)),
    SSNAP_PROC_NET("udp", (read_proc_net_inet<View::proc_net_udp, kIn, model::kProtocolUdp>)),
    SSNAP_PROC_NET("udp6", (read_proc_net_inet<View::proc_net_udp6, kIn6, model::kProtocolUdp>)),
    SSNAP_PROC_NET("udplite", (read_proc_net_inet<View::proc_net_udplite, kIn, model::kProtocolUdplite>)),
    SSNAP_PROC_NET("udplite6", (read_proc_net_inet<View::proc_net_udplite6, kIn6, model::kProtocolUdplite>)),
    SSNAP_PROC_NET("raw", (read_proc_net_inet<View::proc_net_raw, kIn, model::kProtocolRaw>)),
    SSNAP_PROC_NET("raw6", (read_proc_net_inet<View::proc_net_raw6, kIn6, model::kProtocolRaw>)),
    SSNAP_PROC_NET("icmp", (read_proc_net_inet<View::proc_net_icmp, kIn, model::kProtocolIcmp>)),
    SSNAP_PROC_NET("icmp6", (read_proc_net_inet<View::proc_net_icmp6, kIn6, model::kProtocolIcmp6>)),
    SSNAP_PROC_NET("unix", (read_proc_net<decode::decode_proc_net_unix, &Records::proc_net_unix, View::proc_net_unix, model::kFamilyUnix>)),
    SSNAP_PROC_NET("packet", (read_proc_net<decode::decode_proc_net_packet, &Records::proc_net_packet, View::proc_net_packet, model::kFamilyPacket>)),
    SSNAP_PROC_NET("netlink", (read_proc_net<decode::decode_proc_net_netlink, &Records::proc_net_netlink, View::proc_net_netlink, model::kFamilyNetlink>)),
    SSNAP_PROC_NET("sctp/eps", (read_proc_net<decode::decode_proc_net_sctp_eps, &Records::proc_net_sctp_eps, View::proc_net_sctp, kIn>)),
    SSNAP_PROC_NET("sctp/assocs", (read_proc_net<decode::decode_proc_net_sctp_assocs, &Records::proc_net_sctp_assocs, View::proc_net_sctp, kIn6>)),
    SSNAP_PROC_NET("sockstat", read_sockstat),
    SSNAP_PROC_NET("sockstat6", read_sockstat),
    SSNAP_PROC_NET("protocols", read_protocols),
    SSNAP_PROC_NET("dev", (read_net_table<decode_dev, &model::NetTables::counters>)),
    SSNAP_PROC_NET("route", (read_net_table<decode::decode_proc_net_route, &model::NetTables::routes>)),
    SSNAP_PROC_NET("ipv6_route", (read_net_table<decode_route6, &model::NetTables::routes6>)),
    SSNAP_PROC_NET("igmp", (read_net_table<decode::decode_proc_net_igmp, &model::NetTables::groups>)),
    SSNAP_PROC_NET("igmp6", (read_net_table<decode_igmp6, &model::NetTables::groups6>)),
    SSNAP_PROC_NET("snmp", read_snmp),
    SSNAP_PROC_NET("netstat", (read_net_table<decode_counters, &model::NetTables::netstat>)),
    SSNAP_PROC_NET("snmp6", (read_net_table<decode_counter_lines, &model::NetTables::snmp6>)),
    SSNAP_PROC_NET("sctp/snmp", (read_net_table<decode_counter_lines, &model::NetTables::sctp_snmp>)),
    SSNAP_TASK("stat", read_stat),
    SSNAP_TASK("status", read_status),
    SSNAP_TASK("cmdline", read_cmdline),
    SSNAP_TASK("environ", read_environ),
    SSNAP_TASK("cgroup", read_cgroup),
    SSNAP_TASK("fds", read_fds),
    {"proc/*/*/fds", read_fds},
    {"proc/*/task/*/*/fds", read_fds},
    SSNAP_TASK("links", read_links),
    SSNAP_TASK("fdinfo/*", read_fdinfo),
    {"proc/*/maps", read_maps},
    {"proc/*/loginuid", read_loginuid},
    {"proc/*/sessionid", read_sessionid},
    {"proc/*/attr/current", read_security_label},
    {"proc/*/mountinfo", read_mountinfo},
    {"sockprotonames/*", read_sockprotonames},
    {"cgroup2-ids", read_cgroup_ids},
    {"exe-hashes/*", read_exe_hashes},
    SSNAP_TASK("fd/*", read_symlink),
    {"proc/*/fd", read_fd_listing},
    SSNAP_TASK("ns/*", read_symlink),
    SSNAP_TASK("exe", read_symlink),
    SSNAP_TASK("cwd", read_symlink),
    SSNAP_TASK("root", read_symlink),
    {"proc/stat", read_proc_stat},
    {"proc/sys/kernel/hostname", (read_host_line<&model::Host::nodename>)},
    {"proc/sys/kernel/osrelease", (read_host_line<&model::Host::kernel>)},
    {"proc/sys/kernel/random/boot_id", (read_host_line<&model::Host::boot_id>)},
    {"etc/passwd", read_passwd},
    {"etc/services", read_services},
    {"netns/*/proc/sys/net/ipv4/ip_local_port_range", read_local_port_range},
    {"proc/sys/net/ipv4/ip_local_port_range", read_local_port_range},
    {"etc/protocols", read_protocol_names},
};
#undef SSNAP_TASK
#undef SSNAP_NETLINK
#undef SSNAP_PROC_NET

// Matches a name against a pattern and collects what the stars stood for.
bool matches(std::string_view pattern, std::string_view name, std::vector<std::string_view>& stars) {
  stars.clear();
  for (;;) {
    const auto pattern_end = std::min(pattern.find('/'), pattern.size());
    const auto name_end = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, name_end);
    if (pattern.substr(0, pattern_end) == "*") stars.push_back(part);
    else if (pattern.substr(0, pattern_end) != part) return false;
    const bool pattern_done = pattern_end == pattern.size(), name_done = name_end == name.size();
    if (pattern_done || name_done) return pattern_done && name_done;
    pattern.remove_prefix(pattern_end + 1);
    name.remove_prefix(name_end + 1);
  }
}

// A member's name, taken apart.
struct Found {
  const Row* row = nullptr;
  std::string path;
  bool reused = false;
  std::vector<std::string_view> stars;  // in `path`
};

// Rows by the first letter of their patterns, in the order of the table: a host with many processes has many members.
using RowsByFirst = std::array<std::vector<const Row*>, 256>;
std::size_t first_letter(std::string_view path) { return path.empty() ? 0 : static_cast<unsigned char>(path.front()); }
const RowsByFirst& rows_by_first() {
  static const RowsByFirst rows = [] {
    RowsByFirst sorted;
    for (const Row& row : kRows) sorted[first_letter(row.pattern)].push_back(&row);
    return sorted;
  }();
  return rows;
}

// proc/PID/reused/... has the same files as proc/PID/...
void find_row(std::string_view name, Found& found) {
  constexpr std::string_view kReused = "/reused/";
  const std::size_t at = name.starts_with("proc/") ? name.find('/', 5) : std::string_view::npos;
  found.reused = at != std::string_view::npos && name.substr(at).starts_with(kReused);
  found.path = name;
  if (found.reused) found.path.erase(at, kReused.size() - 1);
  const std::string_view path = found.path;
  const std::string_view last = path.substr(path.rfind('/') + 1);
  for (const Row* row : rows_by_first()[first_letter(path)]) {
    const std::string_view ending = row->pattern.substr(row->pattern.rfind('/') + 1);
    if ((ending != "*" && ending != last) || !matches(row->pattern, path, found.stars)) continue;
    found.row = row;
    return;
  }
}

}  // namespace

std::string canonical_name(std::string_view name) {
  constexpr std::string_view kOfAnArchive[] = {"proc/", "netns/", "etc/", "journal/"};
  const bool of_an_archive =
      std::any_of(std::begin(kOfAnArchive), std::end(kOfAnArchive), [&](auto p) { return name.starts_with(p); }) ||
      name.starts_with("sockprotonames/") || name.starts_with("exe-hashes/") || name.starts_with("process-views/") || name == "cgroup2-ids" || name.starts_with("after/") || name == "capture.json" || name == "end.json" || name == "README.txt" || name == "manifest-sha256.txt";
  return of_an_archive ? std::string(name) : "proc/" + std::string(name);
}

bool is_wanted(std::string_view name) {
  Found found;
  find_row(name, found);
  return found.row != nullptr || is_raw_view(name);
}

void Replay::add_problem(std::string member, std::uint64_t offset, std::string message) {
  auto& problems = decoding.valid() ? later_problems : records.problems;
  if (problems.size() < limits.problems) problems.push_back({std::move(member), offset, std::move(message)});
  else ++problems_left_out;
}

void finish_decoding(Replay& replay) {
  if (!replay.decoding.valid()) return;
  replay.decoding.get()(replay);
  for (auto& later : std::exchange(replay.later_problems, {}))
    replay.add_problem(std::move(later.member), later.offset, std::move(later.message));
}

// False where a replay of this input takes no more.
bool take_room(Replay& replay, const archive::Member& member) {
  const std::uint64_t cost = member.bytes.size() + kMemberCostBytes;
  if (cost > replay.bytes_left) {
    replay.bytes_left = 0;
    ++replay.members_left_out;
    return false;
  }
  replay.bytes_left -= cost;
  return true;
}

void add_member(Replay& replay, std::string_view name, const archive::Member& member) {
  Found found;
  find_row(name, found);
  if (found.row == nullptr) {
    if (replay.cross_view && is_raw_view(name) && take_room(replay, member)) add_raw_view(replay, name, member);
    return;
  }
  // Beside capture.json they are what `extract` made of members that say more and are in the tree as well.
  if (replay.has_capture_info && (name.starts_with("proc/net/") || found.row->read == read_symlink)) return;
  if (member.type == archive::MemberType::symlink && found.row->read != read_symlink)
    return replay.add_problem(std::string(name), 0, "a symbolic link, not a file: not followed");
  // What is no longer read of a host that shows too much must not make it a cut capture.
  const bool is_about_capture = found.row->read == read_capture_info || found.row->read == read_end_info;
  if (!is_about_capture && !take_room(replay, member)) return;
  if (replay.cross_view) add_raw_view(replay, name, member);
  found.row->read(Context{replay, member, name, found.path, found.reused, std::move(found.stars)});
}

}  // namespace ssnap::pipeline
