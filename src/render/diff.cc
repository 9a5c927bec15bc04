#include "render/diff.h"

#include <algorithm>

#include "base/clock.h"
#include "render/address.h"
#include "render/csv.h"
#include "render/escape.h"
#include "render/frame.h"
#include "render/layout.h"
#include "render/owners.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using analyze::Change;
using analyze::DiffItem;
using analyze::DiffKind;
using analyze::kNew;
using analyze::kOld;
using analyze::Side;

// Bytes of a command line, as in the tree.
constexpr std::size_t kMaxCommandBytes = 512;

// The side that an item is shown as it was on: the new one where there is one.
Side shown_side(const DiffItem& item) { return item.index[kNew] ? kNew : kOld; }

std::string netns_text(const DiffView& view, const DiffItem& item) {
  const Side side = shown_side(item);
  switch (item.kind) {
    case DiffKind::listener:
    case DiffKind::socket: return namespace_word(view.of(side), view.of(side).sockets[*item.index[side]].netns);
    case DiffKind::interface:
    case DiffKind::route: return namespace_word(view.of(side), item.netns[side]);
    case DiffKind::process:
    case DiffKind::netns: break;
  }
  return "";
}

std::string socket_text(const model::Snapshot& snapshot, const model::Socket& socket) {
  std::string out = protocol_text(socket) + ' ' + state_word(socket.state);
  if (const auto local = local_text(snapshot, socket); !local.empty()) out += ' ' + local;
  if (const auto peer = peer_text(snapshot, socket); !peer.empty()) out += " -> " + peer;
  return out;
}

std::string route_text(const DiffView& view, const DiffItem& item) {
  const Side side = shown_side(item);
  const auto& tables = view.of(side).net_tables.at(item.netns[side]);
  const model::Route& route = (item.ipv6 ? *tables.routes6 : *tables.routes)[*item.index[side]];
  std::string out = route.destination.to_string() + '/' + std::to_string(analyze::prefix_length(route));
  if (!route.gateway.is_any()) out += " via " + route.gateway.to_string();
  if (!route.interface.empty()) out += " on " + escape_terminal(route.interface);
  return route.metric == 0 ? out : out + ", metric " + std::to_string(route.metric);
}

std::string which_text(const DiffView& view, const DiffItem& item) {
  const Side side = shown_side(item);
  const model::Snapshot& snapshot = view.of(side);
  const std::uint32_t index = *item.index[side];
  switch (item.kind) {
    case DiffKind::listener:
    case DiffKind::socket: return socket_text(snapshot, snapshot.sockets[index]);
    case DiffKind::process:
      return (item.count > 1 ? grouped_number(item.count) + " x " : "") + process_label(snapshot, index);
    case DiffKind::netns: return namespace_word(snapshot, index);
    case DiffKind::interface: return escape_terminal(snapshot.net_tables.at(item.netns[side]).interfaces[index].name);
    case DiffKind::route: break;
  }
  return route_text(view, item);
}

std::string process_text(const model::Snapshot& snapshot, const model::Process& process) {
  std::string out;
  if (process.uid) out += user_word(snapshot, *process.uid);
  std::string command;
  if (process.cmdline)
    for (const auto& word : *process.cmdline)
      if (command.size() < kMaxCommandBytes) command += (command.empty() ? "" : " ") + word;
  if (command.empty()) command = process.exe.value_or("");
  if (!command.empty()) out += (out.empty() ? "" : " · ") + escape_terminal(command.substr(0, kMaxCommandBytes)) + (command.size() > kMaxCommandBytes ? "…" : "");
  if (const auto notes = process_notes(process); !notes.empty()) out += " (" + notes + ')';
  return out + home_text(process);
}

std::string owners_text(const model::Snapshot& snapshot, const std::vector<std::uint32_t>& owners, const char* what) {
  std::string out = what;
  for (std::size_t i = 0; i < owners.size() && i < kMaxNamed; ++i) out += (i == 0 ? " " : ", ") + process_label(snapshot, owners[i]);
  return owners.size() <= kMaxNamed ? out : out + " and " + grouped_number(owners.size() - kMaxNamed) + " more";
}

std::vector<CellLine> detail_lines(const DiffView& view, const DiffItem& item) {
  std::vector<CellLine> lines;
  const Side side = shown_side(item);
  const model::Snapshot& snapshot = view.of(side);
  const auto value = [](const std::string& text) { return text.empty() ? std::string("none") : escape_terminal(text); };
  for (const auto& field : item.fields)
    lines.push_back({std::string(field.field) + ": " + value(field.before) + " -> " + value(field.after)});
  if (!item.owners_lost.empty()) lines.push_back({owners_text(view.before, item.owners_lost, "no longer held by")});
  if (!item.owners_gained.empty()) lines.push_back({owners_text(view.after, item.owners_gained, "now held by")});
  if (item.change != Change::changed) {
    if (item.kind == DiffKind::listener || item.kind == DiffKind::socket) lines = owner_lines(snapshot, snapshot.sockets[*item.index[side]], false);
    if (item.kind == DiffKind::process) lines.push_back({process_text(snapshot, snapshot.processes[*item.index[side]])});
    if (item.kind == DiffKind::netns) lines.push_back({escape_terminal(snapshot.namespaces[*item.index[side]].how)});
  }
  if (!item.doubt.empty()) lines.push_back({"not comparable: " + item.doubt, Tint::bold});
  if (item.noise != analyze::Noise::none) lines.push_back({"noise: " + std::string(analyze::noise_name(item.noise)), Tint::dim});
  return lines;
}

std::string head_text(const DiffView& view, Side side) {
  const model::Snapshot& snapshot = view.of(side);
  std::string out = side == kOld ? "OLD" : "NEW";
  const auto add = [&](const std::string& text) { out += (out.size() == 3 ? "  " : " · ") + text; };
  if (snapshot.host.nodename) add(escape_terminal(*snapshot.host.nodename));
  if (snapshot.capture.begin_realtime_nsec) {
    std::string time = base::rfc3339_utc(*snapshot.capture.begin_realtime_nsec, 0);
    std::replace(time.begin(), time.end(), 'T', ' ');
    add(time);
  }
  if (snapshot.host.kernel) add("Linux " + escape_terminal(*snapshot.host.kernel));
  add(count(snapshot.sockets.size(), "socket") + ", " + count(snapshot.processes.size(), "process", "processes"));
  return out;
}

std::string change_cell(const DiffItem& item) {
  return std::string(analyze::change_name(item.change)) + (item.doubt.empty() ? "" : "?");
}

// "3 differences: 2 new, 1 gone."
std::string summary_text(const DiffView& view) {
  std::uint64_t numbers[3]{}, all = 0, doubtful = 0;
  for (const auto& item : view.diff.items) {
    if (item.noise != analyze::Noise::none) continue;
    ++numbers[static_cast<std::size_t>(item.change)];
    ++all;
    doubtful += !item.doubt.empty();
  }
  if (all == 0) return "No differences.";
  std::string out;
  for (const Change change : {Change::appeared, Change::changed, Change::gone})
    if (const auto number = numbers[static_cast<std::size_t>(change)]; number != 0)
      out += (out.empty() ? "" : ", ") + grouped_number(number) + ' ' + std::string(analyze::change_name(change));
  out = count(all, "difference") + ": " + out + '.';
  return doubtful == 0 ? out : out + ' ' + grouped_number(doubtful) + " of them marked ?: the other snapshot could not have shown it.";
}

std::string noise_summary(const DiffView& view) {
  std::string out;
  for (std::size_t i = 1; i < analyze::kNoiseCount; ++i)
    if (const auto number = view.diff.noise[i]; number != 0)
      out += (out.empty() ? "" : "; ") + grouped_number(number) + ' ' + std::string(analyze::noise_text(static_cast<analyze::Noise>(i)));
  return out.empty() ? out : (view.noise ? "Listed as noise: " : "Not listed (--noise lists them): ") + out + '.';
}

}  // namespace

std::string basis_text(analyze::Basis basis) {
  constexpr const char* kAcross =
      "Listeners are matched by address and protocol, everything else by program (executable, script, user, unit or container) and "
      "the address that it is connected to; pids, numbers of alike things, ports that the kernel chose, and who connects to "
      "listeners don't count.";
  switch (basis) {
    case analyze::Basis::same_boot:
      return "Same boot: sockets are matched by cookie, inode or address, processes by pid and start. A connection replaced by another of the "
             "same program to the same peer, and a process or holder replaced by another of the same program, don't count.";
    case analyze::Basis::other_boot: return std::string("Another boot of this host. ") + kAcross;
    case analyze::Basis::other_host: return std::string("Different hosts. ") + kAcross;
    case analyze::Basis::unknown: break;
  }
  return std::string("Whether it is the same boot is not known. ") + kAcross;
}

std::string render_diff_table(const DiffView& view, const Style& style) {
  std::string out;
  if (style.header) {
    for (const Side side : {kOld, kNew}) out += paragraph(head_text(view, side), style, Tint::none);
    if (view.diff.reversed) out += paragraph("NEW was taken before OLD.", style, Tint::bold);
    out += paragraph(basis_text(view.diff.basis), style, Tint::none) + '\n';
  }
  std::vector<LayoutRow> rows;
  for (const auto& item : view.diff.items) {
    if (!view.shows(item)) continue;
    const Tint tint = item.noise == analyze::Noise::none ? Tint::bold : Tint::dim;
    LayoutRow row;
    row.cells = {{change_cell(item), tint}, {std::string(analyze::kind_name(item.kind))}, {which_text(view, item)}};
    if (style.netns_column) row.cells.insert(row.cells.begin() + 2, {netns_text(view, item)});
    row.last = detail_lines(view, item);
    rows.push_back(std::move(row));
  }
  std::vector<std::string_view> titles{"CHANGE", "KIND", "WHICH", "DETAILS"};
  if (style.netns_column) titles.insert(titles.begin() + 2, "NETNS");
  if (!rows.empty()) out += lay_out(titles, rows, style.header, style.width, style.colour) + (style.header ? "\n" : "");
  if (!style.header) return rows.empty() ? paragraph(summary_text(view), style, Tint::none) : out;
  out += paragraph(summary_text(view), style, Tint::none);
  if (const auto noise = noise_summary(view); !noise.empty()) out += paragraph(noise, style, Tint::none);
  for (const auto& note : view.diff.notes) out += paragraph("Not comparable: " + escape_terminal(note) + '.', style, Tint::none);
  return out;
}

std::string render_diff_csv(const DiffView& view, bool header) {
  std::string out;
  if (header) append_csv_line(out, {"change", "kind", "netns", "which", "details", "doubt", "noise"});
  for (const auto& item : view.diff.items) {
    if (!view.shows(item)) continue;
    std::string details;
    DiffItem plain = item;  // these two have columns of their own
    plain.doubt.clear();
    plain.noise = {};
    for (const auto& line : detail_lines(view, plain)) details += (details.empty() ? "" : "; ") + line.text;
    append_csv_line(out, {std::string(analyze::change_name(item.change)), std::string(analyze::kind_name(item.kind)), netns_text(view, item),
                          which_text(view, item), details, item.doubt, std::string(analyze::noise_name(item.noise))});
  }
  return out;
}

}  // namespace ssnap::render
