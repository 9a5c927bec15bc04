#include "render/table.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/clock.h"
#include "render/escape.h"
#include "render/layout.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Snapshot;
using model::Socket;

struct Context {
  const Snapshot& snapshot;
  const Style& style;
  bool several_protocols = false;
  bool any_peer = false;
  bool any_reach = false;
  bool any_presence = false;
};


std::string protocol_cell(const Context&, const Socket& socket) {
  const auto protocol = protocol_word(socket.family, socket.protocol);
  return is_ip(socket) ? protocol : family_word(socket.family) + ' ' + protocol;
}

std::string state_cell(const Context&, const Socket& socket) {
  return state_word(socket.state);
}

// Those that lived through the capture have no mark.
std::string seen_cell(const Context&, const Socket& socket) {
  if (!socket.presence || *socket.presence == model::Presence::throughout) return "";
  return std::string(model::presence_name(*socket.presence));
}

std::string queue_cell(const Context&, const Socket& socket) {
  if (!socket.recv_queue && !socket.send_queue) return "";
  const auto side = [](const std::optional<std::uint32_t>& value) {
    return value ? std::to_string(*value) : std::string("-");
  };
  return side(socket.recv_queue) + '/' + side(socket.send_queue);
}

// "eth0" or "if3".
std::string interface_word(const Context& context, const Socket& socket, std::uint32_t index) {
  const auto name = interface_name(context.snapshot, socket.netns, index);
  return name.empty() ? "if" + std::to_string(index) : escape_terminal(name);
}

std::string endpoint_text(const Context& context, const Socket& socket, const model::Endpoint& end,
                          bool local) {
  if (end.address.length == 0) return "";
  std::string out = end.address.to_string();
  if (end.address.is_v6()) out.insert(0, 1, '[').push_back(']');
  if (end.interface_index != 0) out += '%' + interface_word(context, socket, end.interface_index);
  out += ':';
  if (is_raw(socket)) {
    const auto protocol = socket.details ? socket.details->raw_protocol : std::nullopt;
    if (!local || !protocol) return out + '*';
    const auto name = model::ip_protocol_name(*protocol);
    return out + (name.empty() ? "ipproto-" + std::to_string(*protocol) : std::string(name));
  }
  return out + (end.port == 0 ? std::string("*") : std::to_string(end.port));
}

std::string unix_name_text(const model::UnixName& name) {
  if (name.kind == model::UnixName::Kind::none) return "";
  std::string out = name.kind == model::UnixName::Kind::abstract_name ? "@" : "";
  return out += escape_terminal(name.bytes);
}

// VMADDR_CID_ANY, VMADDR_PORT_ANY.
constexpr std::uint32_t kVsockAny = 0xffffffff;

std::string vsock_text(const model::Endpoint& end) {
  if (!end.node) return "";
  const auto part = [](std::uint32_t value) { return value == kVsockAny ? "*" : std::to_string(value); };
  return part(*end.node) + ':' + part(end.port);
}

std::string tipc_text(const model::Endpoint& end) {
  return end.node ? std::to_string(*end.node) + ':' + std::to_string(end.port) : std::string();
}

// "all on eth0", "ip on any, promiscuous".
std::string packet_text(const Context& context, const Socket& socket) {
  const auto index = socket.local.interface_index;
  const auto* packet = socket.details ? socket.details->packet.get() : nullptr;
  if (packet == nullptr && index == 0) return "";
  std::string out = "?";
  if (packet != nullptr) {
    const auto name = ethertype_name(packet->ethertype);
    char hex[16];
    std::snprintf(hex, sizeof hex, "0x%04x", static_cast<unsigned>(packet->ethertype));
    // Without an ethertype it receives nothing.
    out = packet->ethertype == 0 ? "none" : name.empty() ? std::string(hex) : std::string(name);
  }
  out += " on " + (index == 0 ? std::string("any") : interface_word(context, socket, index));
  constexpr std::uint16_t kPromiscuous = 1;  // PACKET_MR_PROMISC
  const bool promiscuous =
      packet != nullptr &&
      std::any_of(packet->memberships.begin(), packet->memberships.end(),
                  [](const model::Membership& membership) { return membership.type == kPromiscuous; });
  return promiscuous ? out + ", promiscuous" : out;
}

std::string xdp_text(const Context& context, const Socket& socket) {
  if (socket.local.interface_index == 0) return "";
  std::string out = interface_word(context, socket, socket.local.interface_index);
  const auto queue = socket.details && socket.details->xdp ? socket.details->xdp->queue_id : std::nullopt;
  return queue ? out + " queue " + std::to_string(*queue) : out;
}

// "route:4711, 3 groups", "route:kernel": a table has a socket only when it is bound, and port 0 is the kernel's.
std::string netlink_text(const Socket& socket) {
  if (!local_is_known(socket)) return "";
  std::string out = protocol_word(socket.family, socket.protocol) + ':';
  if (socket.local.port != 0)
    out += std::to_string(socket.local.port);
  else
    out += "kernel";
  const std::size_t groups = socket.details && socket.details->groups ? socket.details->groups->size() : 0;
  return groups == 0 ? out : out + ", " + count(groups, "group");
}

// "10.0.0.5:9000 (3 addresses)".
std::string ip_text(const Context& context, const Socket& socket, bool local) {
  const auto text = endpoint_text(context, socket, local ? socket.local : socket.peer, local);
  if (!socket.details || text.empty()) return text;
  const auto& all = local ? socket.details->further_locals : socket.details->further_peers;
  return all.size() < 2 ? text : text + " (" + std::to_string(all.size()) + " addresses)";
}

std::string local_cell(const Context& context, const Socket& socket) {
  switch (socket.family) {
    case model::kFamilyUnix:
      return unix_name_text(socket.name);
    case model::kFamilyNetlink:
      return netlink_text(socket);
    case model::kFamilyPacket:
      return packet_text(context, socket);
    case model::kFamilyXdp:
      return xdp_text(context, socket);
    case model::kFamilyVsock:
      return vsock_text(socket.local);
    case model::kFamilyTipc:
      return tipc_text(socket.local);
    default:
      return ip_text(context, socket, true);
  }
}

std::string peer_cell(const Context& context, const Socket& socket) {
  switch (socket.family) {
    case model::kFamilyUnix: {
      std::string out = unix_name_text(socket.peer_name);
      if (!socket.peer_inode) return out;
      if (!out.empty()) out += ' ';
      return out + "inode " + std::to_string(*socket.peer_inode);
    }
    case model::kFamilyNetlink:
      if (!peer_is_known(socket)) return "";
      if (socket.peer.port != 0) return std::to_string(socket.peer.port);
      // Who was not connected sends to the kernel; the kernel's own sockets send to whoever asked.
      return socket.local.port == 0 ? "" : "kernel";
    case model::kFamilyVsock:
      return socket.peer.node == kVsockAny && socket.peer.port == kVsockAny ? "" : vsock_text(socket.peer);
    case model::kFamilyTipc:
      return tipc_text(socket.peer);
    default: {
      const bool none =
          socket.peer.port == 0 && (socket.peer.address.length == 0 || socket.peer.address.is_any());
      return none ? "" : ip_text(context, socket, false);
    }
  }
}

bool takes_from_outside(const Socket& socket) {
  if (!is_ip(socket) && socket.family != model::kFamilySmc) return false;
  if (socket.state == model::kStateListen) return true;
  if (!is_ip(socket)) return false;
  const bool datagrams = socket.protocol == model::kProtocolUdp || socket.protocol == model::kProtocolUdplite;
  return datagrams && socket.state == model::kStateUnconn && socket.local.port != 0;
}

bool is_multicast(const base::IpAddress& address) {
  return address.is_v4() ? (address.bytes[0] & 0xf0) == 0xe0 : address.is_v6() && address.bytes[0] == 0xff;
}

// From where a listener can be reached.
std::string reach_cell(const Context& context, const Socket& socket) {
  if (!takes_from_outside(socket) || socket.local.address.length == 0) return "";
  // SCTP may listen at several.
  if (const auto* all = socket.details ? &socket.details->further_locals : nullptr; all && all->size() > 1) {
    const bool here = std::all_of(all->begin(), all->end(),
                                  [](const base::IpAddress& one) { return one.unmapped().is_loopback(); });
    return here ? "this host only" : "its " + std::to_string(all->size()) + " addresses only";
  }
  const auto address = socket.local.address.unmapped();
  const auto index = socket.local.interface_index;
  const auto name = index == 0 ? std::string() : interface_word(context, socket, index);
  if (address.is_loopback() || name == "lo") return "this host only";
  if (address.is_link_local()) return name.empty() ? "link-local only" : "link-local on " + name;
  if (is_multicast(address)) return "group " + address.to_string() + (name.empty() ? "" : " on " + name);
  if (!address.is_any()) return address.to_string() + (name.empty() ? " only" : " only, on " + name);
  // SMC's table doesn't tell :: from 0.0.0.0.
  if (socket.family == model::kFamilySmc) return name.empty() ? "everywhere" : "on " + name;
  std::string versions = "v4";
  if (address.is_v6()) {
    const auto v6only = socket.details ? socket.details->v6only : std::nullopt;
    versions = !v6only ? "v6, perhaps v4" : *v6only ? "v6" : "v4+v6";
  }
  return (name.empty() ? std::string("everywhere") : "on " + name) + ", " + versions;
}

std::string netns_cell(const Context& context, const Socket& socket) {
  return namespace_word(context.snapshot, socket.netns);
}

std::string user_cell(const Context& context, const Socket& socket) {
  if (!socket.uid) return "-";
  const auto user = context.snapshot.users.find(*socket.uid);
  if (user == context.snapshot.users.end()) return std::to_string(*socket.uid);
  return escape_terminal(user->second) + '(' + std::to_string(*socket.uid) + ')';
}

std::string inode_cell(const Context&, const Socket& socket) {
  return socket.inode ? std::to_string(*socket.inode) : "-";
}
std::string cookie_cell(const Context&, const Socket& socket) {
  return socket.cookie ? std::to_string(*socket.cookie) : "-";
}

struct Column {
  std::string_view title;
  std::string (*cell)(const Context&, const Socket&);
  bool (*shown)(const Context&);
};

constexpr auto kAlways = [](const Context&) { return true; };
constexpr auto kExtended = [](const Context& context) { return context.style.extended; };

// All columns but the owners, which come last and may take several lines.
constexpr Column kColumns[] = {
    {"NETNS", netns_cell, [](const Context& context) { return context.style.netns_column; }},
    {"PROTO", protocol_cell, [](const Context& context) { return context.several_protocols; }},
    {"STATE", state_cell, kAlways},
    {"SEEN", seen_cell, [](const Context& context) { return context.any_presence; }},
    {"QUEUE", queue_cell, kAlways},
    {"LOCAL", local_cell, kAlways},
    {"PEER", peer_cell, [](const Context& context) { return context.any_peer; }},
    {"REACH", reach_cell, [](const Context& context) { return context.any_reach; }},
    {"USER", user_cell, kExtended},
    {"INODE", inode_cell, kExtended},
    {"COOKIE", cookie_cell, kExtended},
};

std::vector<CellLine> owner_lines(const Context& context, const Socket& socket) {
  std::vector<CellLine> lines;
  if (!context.style.owners) return lines;
  if (socket.ownerless_reason) {
    std::string text = "none: " + std::string(model::ownerless_name(socket.ownerless_reason->code));
    if (!socket.ownerless_reason->detail.empty())
      text += " (" + escape_terminal(socket.ownerless_reason->detail) + ')';
    lines.push_back({std::move(text), Tint::dim});
  } else if (socket.owners.empty()) {
    lines.push_back({"none", Tint::dim});
  }
  // Who made it first, the others by pid.
  std::vector<const model::Owner*> order;
  for (const auto& owner : socket.owners)
    if (owner.origin == model::Origin::creator) order.push_back(&owner);
  for (const auto& owner : socket.owners)
    if (owner.origin != model::Origin::creator) order.push_back(&owner);
  const std::size_t named = std::min(order.size(), kMaxNamed);
  for (std::size_t i = 0; i < named; ++i) {
    const auto phrase = owner_phrase(context.snapshot, *order[i]);
    lines.push_back({lines.empty() ? phrase : "└ " + phrase});
  }
  if (named < order.size())
    lines.push_back(
        {"└ and " + std::to_string(order.size() - named) + " more; all in --format json", Tint::dim});
  return lines;
}

std::string paragraph(std::string_view text, const Style& style, Tint tint) {
  std::string out;
  for (const auto& line : wrap(text, style.width, 0)) {
    if (style.colour && tint == Tint::bold)
      out += "\x1b[1m" + line + "\x1b[0m\n";
    else
      out += line + '\n';
  }
  return out;
}

std::string duration_text(std::int64_t nsec) {
  const std::int64_t msec = (nsec + 500'000) / 1'000'000;
  if (msec < 10'000) return std::to_string(msec) + " ms";
  return std::to_string(msec / 1000) + '.' + std::to_string(msec / 100 % 10) + " s";
}

std::string namespaces_text(const Rows& rows) {
  const std::size_t all = rows.snapshot.namespaces.size();
  if (all < 2) return "";
  const std::uint64_t shown = all - std::min<std::uint64_t>(rows.other_namespaces, all);
  if (shown == all) return "all " + std::to_string(all) + " namespaces";
  if (shown != 1) return std::to_string(shown) + " of " + std::to_string(all) + " namespaces";
  const bool own = rows.sockets.empty() || (rows.sockets.front()->netns < all &&
                                            rows.snapshot.namespaces[rows.sockets.front()->netns].own);
  return (own ? "this namespace of " : "one namespace of ") + std::to_string(all);
}

// "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · ..."
std::string head_text(const Rows& rows) {
  const auto& host = rows.snapshot.host;
  const auto& capture = rows.snapshot.capture;
  std::vector<std::string> parts;
  if (host.nodename) parts.push_back(escape_terminal(*host.nodename));
  if (capture.begin_realtime_nsec) {
    std::string time = base::rfc3339_utc(*capture.begin_realtime_nsec, 0);
    std::replace(time.begin(), time.end(), 'T', ' ');
    parts.push_back(std::move(time));
  }
  if (host.kernel || host.machine) {
    std::string kernel = "Linux";
    if (host.kernel) kernel += ' ' + escape_terminal(*host.kernel);
    if (host.machine) kernel += ' ' + escape_terminal(*host.machine);
    parts.push_back(std::move(kernel));
  }
  if (auto namespaces = namespaces_text(rows); !namespaces.empty()) parts.push_back(std::move(namespaces));
  if (capture.processes_found != 0)
    parts.push_back(std::to_string(capture.processes_read) + " of " +
                    count(capture.processes_found, "process", "processes") + " read");
  if (capture.smear_nsec) parts.push_back("smear " + duration_text(*capture.smear_nsec));
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : " · ") + part;
  return out;
}

std::string incomplete_text(const model::Capture& capture) {
  std::string out = "INCOMPLETE: ";
  if (capture.status == "cut")
    out += "the archive breaks off before its end";
  else if (capture.status == "interrupted")
    out += "the capture was interrupted";
  else if (capture.status == "limit")
    out += "the capture ended at its size limit";
  else if (capture.status == "error")
    out += "the capture ended with an error";
  else
    out += "the snapshot is damaged or not sealed";
  if (!capture.status_detail.empty()) out += " (" + escape_terminal(capture.status_detail) + ')';
  return out + ". What is not listed here may still have been there.";
}

// "250 reads of 1 process denied, 2 sources timeout".
std::string gap_kinds(const std::vector<const model::Gap*>& gaps) {
  struct Sum {
    std::uint64_t count = 0;
    std::set<std::int64_t> pids;
    bool all_of_processes = true;
  };
  std::map<base::OutcomeKind, Sum> sums;
  for (const auto* gap : gaps) {
    Sum& sum = sums[gap->kind];
    sum.count += gap->count;
    if (gap->pid)
      sum.pids.insert(*gap->pid);
    else
      sum.all_of_processes = false;
  }
  std::string out;
  for (const auto& [kind, sum] : sums) {
    if (!out.empty()) out += ", ";
    if (sum.all_of_processes)
      out += count(sum.count, "link") + " of " + count(sum.pids.size(), "process", "processes");
    else
      out += count(sum.count, "source");
    out += ' ' + std::string(base::outcome_name(kind));
  }
  return out;
}

// What a gap is to a reader: something that was there and was not had, or something that is only stated.
std::string gaps_text(const Snapshot& snapshot) {
  std::vector<const model::Gap*> missing, stated;
  for (const auto& gap : snapshot.gaps) (base::makes_incomplete(gap.kind) ? missing : stated).push_back(&gap);
  std::string out;
  if (missing.empty() && stated.empty())
    out = snapshot.capture.incomplete ? "No gaps in what was read." : "No gaps.";
  else if (missing.empty())
    out = std::string(snapshot.capture.incomplete ? "No gaps in what was read (" : "No gaps (") + gap_kinds(stated) + ": ssnap info SNAPSHOT lists them).";
  else {
    out = count(missing.size(), "gap") + ": " + gap_kinds(missing);
    if (!stated.empty()) out += " (and " + gap_kinds(stated) + ')';
    out += ": ssnap info SNAPSHOT lists them.";
  }
  if (!snapshot.problems.empty())
    out += ' ' + count(snapshot.problems.size(), "place", "places") +
           " of the snapshot could not be read: ssnap info SNAPSHOT.";
  return out;
}

std::string summary_text(const Rows& rows) {
  const std::size_t shown = rows.sockets.size();
  std::string out;
  if (rows.total == 0 && shown == 0)
    out = "No sockets: the snapshot holds none here.";
  else if (shown == 0)
    out = "No socket of " + std::to_string(rows.total) + " matches.";
  else if (rows.total <= shown)
    out = count(shown, "socket") + " shown.";
  else
    out = std::to_string(shown) + " of " + count(rows.total, "socket") + " shown.";
  if (rows.other_namespaces != 0)
    out += ' ' + count(rows.in_other_namespaces, "socket") + " in " +
           count(rows.other_namespaces, "other namespace") + ": --netns all.";
  return out + ' ' + gaps_text(rows.snapshot);
}

}  // namespace

std::string render_table(const Rows& rows, const Style& style) {
  Context context{rows.snapshot, style};
  std::set<std::string> protocols;
  for (const auto* socket : rows.sockets) {
    protocols.insert(protocol_cell(context, *socket));
    context.any_peer = context.any_peer || !peer_cell(context, *socket).empty();
    context.any_presence = context.any_presence || !seen_cell(context, *socket).empty();
    context.any_reach = context.any_reach || takes_from_outside(*socket);
  }
  context.several_protocols = protocols.size() > 1;

  std::vector<std::string_view> titles;
  for (const auto& column : kColumns)
    if (column.shown(context)) titles.push_back(column.title);
  titles.push_back(style.owners ? "OWNERS" : "");
  std::vector<LayoutRow> table;
  table.reserve(rows.sockets.size());
  for (const auto* socket : rows.sockets) {
    LayoutRow row;
    for (const auto& column : kColumns) {
      if (!column.shown(context)) continue;
      const bool listener = socket->state == model::kStateListen && column.title == "STATE";
      row.cells.push_back({column.cell(context, *socket), listener ? Tint::bold : Tint::none});
    }
    row.last = owner_lines(context, *socket);
    table.push_back(std::move(row));
  }

  std::string out;
  if (style.header) {
    if (const auto head = head_text(rows); !head.empty()) out += paragraph(head, style, Tint::none);
    if (rows.snapshot.capture.incomplete)
      out += paragraph(incomplete_text(rows.snapshot.capture), style, Tint::bold);
    if (!out.empty()) out += '\n';
  }
  if (!table.empty()) out += lay_out(titles, table, style.header, style.width, style.colour);
  if (style.header) {
    if (!table.empty()) out += '\n';
    out += paragraph(summary_text(rows), style, Tint::none);
  }
  return out;
}

}  // namespace ssnap::render
