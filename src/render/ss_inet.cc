// --as ss: rows of TCP, UDP, raw, SCTP, DCCP and MPTCP sockets.
#include "render/details.h"
#include "render/ss_parts.h"

namespace ssnap::render {
namespace {

using model::DumpRow;

std::string_view netid_of(std::uint16_t protocol) {
  switch (protocol) {
    case 0: return "raw";
    case model::kProtocolUdp: return "udp";
    case model::kProtocolTcp: return "tcp";
    case model::kProtocolMptcp: return "mptcp";
    case model::kProtocolSctp: return "sctp";
    case model::kProtocolDccp: return "dccp";
    case model::kProtocolIcmp6: return "icmp6";
    default: return "???";
  }
}

void add_address(SsView& view, const base::IpAddress& address, std::uint32_t port, std::uint32_t interface_index,
                 bool v6only) {
  std::string text;
  if (!address.is_v6()) text = address.to_string();
  else if (!v6only && address.is_any()) text = "*";
  else text = '[' + address.to_string() + ']';
  if (interface_index != 0) text += '%' + ss_interface(view, interface_index);
  ss_end(view, text + ':', ss_port(view, port));
}

void add_timer(SsView& view, const DumpRow& row, bool is_sctp) {
  static constexpr const char* kTimers[] = {"off", "on", "keepalive", "timewait", "persist", "unknown"};
  if (row.timer == 0) return;
  constexpr std::size_t kUnknown = 5;
  const char* name = is_sctp ? "T3_RTX" : kTimers[row.timer < kUnknown ? row.timer : kUnknown];
  view.addf(" timer:(%s,%s,%d)", name, ss_duration(row.expires_msec).c_str(),
            static_cast<int>(row.retransmits));
}

void add_sockopts(SsView& view, std::uint16_t bits) {
  view.add(std::string(view.new_line()) + "inet-sockopt: (");
  for (const auto name : sockopt_names(bits)) view.add(' ' + std::string(name));
  view.add(")");
}

}  // namespace

std::string_view ss_association_state(std::uint64_t state) {
  static constexpr std::string_view kStates[] = {"CLOSED",           "COOKIE_WAIT",   "COOKIE_ECHOED",     "ESTAB",
                                                 "SHUTDOWN_PENDING", "SHUTDOWN_SENT", "SHUTDOWN_RECEIVED", "ACK_SENT"};
  return state < std::size(kStates) ? kStates[state] : "";
}

void ss_inet_row(SsView& view, const DumpRow& row) {
  const SsOptions& options = view.options;
  const std::uint16_t type = row.attributes.ip_protocol ? *row.attributes.ip_protocol : row.protocol;
  if (type == model::kProtocolSctp && view.previous_inode != 0 && view.previous_inode == row.inode) {
    // An association stands below its socket.
    ss_begin(view, "", "`- " + std::string(ss_association_state(row.state)), row.recv_queue, row.send_queue);
  } else {
    ss_begin(view, netid_of(type), ss_state(row.state), row.recv_queue, row.send_queue);
  }
  const bool is_v6 = row.family == model::kFamilyInet6;
  const bool v6only = is_v6 && row.details.v6only.value_or(false);
  add_address(view, row.local.address, row.local.port, row.local.interface_index, v6only);
  add_address(view, row.peer.address, row.peer.port, 0, v6only);
  ss_owners(view, ss_socket(view, row), row.inode);
  if (options.timers) add_timer(view, row, type == model::kProtocolSctp);
  if (options.extended) {
    ss_extended(view, row);
    if (is_v6 && row.details.v6only) view.addf(" v6only:%u", v6only ? 1u : 0u);
    if (row.details.shutdown) ss_shutdown(view, *row.details.shutdown);
  }
  if (options.tos) {
    if (row.details.tos) view.addf(" tos:%#x", *row.details.tos);
    if (row.details.tclass) view.addf(" tclass:%#x", *row.details.tclass);
    if (row.details.class_id) view.addf(" class_id:%#x", *row.details.class_id);
  }
  if (options.cgroups && row.details.cgroup_id) view.add(" cgroup:" + ss_cgroup(view, *row.details.cgroup_id));
  if (options.sockopts && row.details.sockopt) add_sockopts(view, *row.details.sockopt);
  if (options.memory || (options.info && type != model::kProtocolUdp)) {
    if (!options.one_line) view.add("\n\t");
    ss_inet_details(view, row, type);
  }
  view.previous_inode = row.inode;
}

void ss_listed_inet_row(SsView& view, const DumpRow& row) {
  const bool is_raw = row.protocol == model::kProtocolRaw, is_tcp = row.protocol == model::kProtocolTcp;
  // It knows no other protocols here: what is neither TCP nor UDP is raw.
  ss_begin(view, netid_of(is_raw ? std::uint16_t{0} : row.protocol), ss_state(row.state), row.recv_queue, row.send_queue);
  add_address(view, row.local.address, row.local.port, 0, false);
  add_address(view, row.peer.address, row.peer.port, 0, false);
  ss_owners(view, ss_socket(view, row), row.inode);
  if (!is_tcp) return;
  if (view.options.timers) add_timer(view, row, false);
  if (view.options.extended) ss_extended(view, row);
  if (view.options.info) ss_listed_tcp_info(view, row);
}

}  // namespace ssnap::render
