#include "render/table.h"

#include <algorithm>

#include "render/address.h"
#include "render/details.h"
#include "render/escape.h"
#include "render/fields.h"
#include "render/frame.h"
#include "render/layout.h"
#include "render/owners.h"
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

std::string protocol_cell(const Context&, const Socket& socket) { return protocol_text(socket); }
std::string local_cell(const Context& context, const Socket& socket) { return local_text(context.snapshot, socket); }

// The address, and whose it is where that is on this host.
std::string peer_cell(const Context& context, const Socket& socket) {
  std::string out = peer_text(context.snapshot, socket);
  const auto who = context.style.owners ? peer_processes_text(context.snapshot, socket) : std::string();
  if (who.empty()) return out;
  if (!out.empty()) out += ' ';
  return out + '(' + who + ')';
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
  if (const auto* all = socket.details ? &socket.details->rare->further_locals : nullptr; all && all->size() > 1) {
    const bool here = std::all_of(all->begin(), all->end(),
                                  [](const base::IpAddress& one) { return one.unmapped().is_loopback(); });
    return here ? "this host only" : "its " + std::to_string(all->size()) + " addresses only";
  }
  const auto address = socket.local.address.unmapped();
  const auto index = socket.local.interface_index;
  const auto name = index == 0 ? std::string() : interface_word(context.snapshot, socket, index);
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
  return socket.uid ? user_word(context.snapshot, *socket.uid) : "-";
}

std::string inode_cell(const Context&, const Socket& socket) {
  return socket.inode ? std::to_string(*socket.inode) : "-";
}
std::string cookie_cell(const Context&, const Socket& socket) {
  return socket.cookie ? std::to_string(*socket.cookie) : "-";
}

// -O: what stands below each other comes beside each other.
void join(std::vector<CellLine>& lines) {
  if (lines.size() < 2) return;
  constexpr std::string_view kBranch = "└ ";
  CellLine& first = lines.front();
  for (std::size_t k = 1; k < lines.size(); ++k) {
    const std::string_view text = lines[k].text;
    first.text += "; " + std::string(text.starts_with(kBranch) ? text.substr(kBranch.size()) : text);
  }
  lines.resize(1);
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
    {"QUEUE", queue_cell, [](const Context& context) { return context.style.queues; }},
    {"LOCAL", local_cell, kAlways},
    {"PEER", peer_cell, [](const Context& context) { return context.any_peer; }},
    {"REACH", reach_cell, [](const Context& context) { return context.any_reach; }},
    {"USER", user_cell, kExtended},
    {"INODE", inode_cell, kExtended},
    {"COOKIE", cookie_cell, kExtended},
};

}  // namespace

void render_table(const Rows& rows, const Style& style, const Sink& sink) {
  Context context{rows.snapshot, style};
  std::optional<std::string> protocol;
  const Socket* last = nullptr;
  for (const auto* socket : rows.sockets) {
    if (last == nullptr || last->family != socket->family || last->protocol != socket->protocol) {
      const auto text = protocol_text(*socket);
      context.several_protocols = context.several_protocols || (protocol && *protocol != text);
      protocol = text;
      last = socket;
    }
    context.any_peer = context.any_peer || !peer_cell(context, *socket).empty();
    context.any_presence = context.any_presence || !seen_cell(context, *socket).empty();
    context.any_reach = context.any_reach || takes_from_outside(*socket);
  }

  std::vector<std::string_view> titles;
  for (const auto& column : kColumns)
    if (column.shown(context)) titles.push_back(column.title);
  titles.push_back(style.owners ? "OWNERS" : "");
  const auto make_row = [&](std::size_t at, bool with_last) {
    const Socket& socket = *rows.sockets[at];
    LayoutRow row;
    row.cells.reserve(titles.size());
    for (const auto& column : kColumns) {
      if (!column.shown(context)) continue;
      const bool listener = socket.state == model::kStateListen && column.title == "STATE";
      row.cells.push_back({column.cell(context, socket), listener ? Tint::bold : Tint::none});
    }
    if (!with_last) return row;
    if (style.owners) row.last = owner_lines(rows.snapshot, socket, style.extended);
    for (auto& line : detail_lines(rows.snapshot, socket, style.details)) row.last.push_back({std::move(line), Tint::dim});
    if (style.one_line) join(row.last);
    return row;
  };
  sink(head(rows, style));
  if (!rows.sockets.empty()) lay_out(titles, rows.sockets.size(), make_row, style.header, style.width, style.colour, sink);
  sink(foot(rows, style, !rows.sockets.empty()));
}

std::string render_table(const Rows& rows, const Style& style) {
  return collect([&](const Sink& sink) { render_table(rows, style, sink); });
}

std::optional<std::string> table_cell(const Snapshot& snapshot, const Socket& socket, std::string_view column) {
  const Style style;
  const Context context{snapshot, style};
  if (column == "owners") {
    auto lines = owner_lines(snapshot, socket, false);
    join(lines);
    return lines.empty() ? std::string() : lines.front().text;
  }
  for (const auto& row : kColumns) {
    std::string title(row.title);
    for (char& c : title) c = static_cast<char>(c - 'A' + 'a');
    if (title == column) return row.cell(context, socket);
  }
  return std::nullopt;
}

std::string render_fields_table(const Rows& rows, const std::vector<std::string>& names, const Style& style) {
  std::vector<std::string_view> titles(names.begin(), names.end());
  std::vector<LayoutRow> table;
  table.reserve(rows.sockets.size());
  for (const auto* socket : rows.sockets) {
    const FieldReader reader(rows.snapshot, *socket);
    LayoutRow row;
    for (const auto& name : names) {
      CellLine cell{reader.text(name, true), Tint::none};
      if (&name == &names.back()) row.last.push_back(std::move(cell));
      else row.cells.push_back(std::move(cell));
    }
    table.push_back(std::move(row));
  }
  return table.empty() ? std::string() : lay_out(titles, table, style.header, style.width, style.colour);
}

}  // namespace ssnap::render
