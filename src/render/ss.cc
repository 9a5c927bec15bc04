#include "render/ss.h"

#include <algorithm>
#include <vector>

#include "render/ss_parts.h"

namespace ssnap::render {
namespace {

using model::DumpRow;

class Ss {
 public:
  Ss(const model::Snapshot& snapshot, std::uint32_t netns, const SsOptions& options)
      : view_{snapshot, netns, options, SsColumns(out_)} {
    if (options.numeric) return;
    for (const auto& service : snapshot.services) {
      view_.services.emplace(std::pair<std::uint32_t, std::string_view>(service.port, service.protocol), service.name);
      view_.services.emplace(std::pair<std::uint32_t, std::string_view>(service.port, ""), service.name);
    }
  }

  std::uint64_t rows() const { return rows_; }

  std::string run() {
    const SsSelection& selection = view_.options.selection;
    if (view_.options.summary) {
      out_ = ss_summary(view_.snapshot, view_.netns);
      if (selection.is_default()) return std::move(out_);
    }
    if (view_.snapshot.first_dump == nullptr || selection.tables() == 0 || selection.states() == 0)
      return std::move(out_);
    const auto single = [](std::uint32_t bits) { return (bits & (bits - 1)) == 0; };
    if (single(selection.tables())) view_.columns.hide(SsColumn::netid);
    if (single(selection.states())) view_.columns.hide(SsColumn::state);
    if (view_.options.header) view_.columns.header();
    show_tables();
    view_.columns.finish();
    if (view_.options.explain) out_ += ss_explain_whole(view_);
    return std::move(out_);
  }

 private:
  // In ss's order.
  void show_tables() {
    show(analyze::kNetlink, model::kFamilyNetlink, ss_netlink_row);
    show(analyze::kPacket, model::kFamilyPacket, ss_packet_row);
    show(analyze::kUnix, model::kFamilyUnix, ss_unix_row);
    if (wants(analyze::kRaw)) view_.ports = SsPorts::raw;
    show_inet(analyze::kRaw, model::kProtocolRaw, true);
    if (wants(analyze::kUdp)) view_.ports = SsPorts::udp;
    show_inet(analyze::kUdp, model::kProtocolUdp, true);
    if (wants(analyze::kTcp)) view_.ports = SsPorts::tcp;
    show_inet(analyze::kTcp, model::kProtocolTcp, true);
    show_inet(analyze::kDccp, model::kProtocolDccp, false);
    show_inet(analyze::kSctp, model::kProtocolSctp, false);
    show(analyze::kVsock, model::kFamilyVsock, ss_vsock_row);
    show(analyze::kTipc, model::kFamilyTipc, ss_tipc_row);
    show(analyze::kXdp, model::kFamilyXdp, ss_xdp_row);
    show_inet(analyze::kMptcp, model::kProtocolMptcp, false);
  }

  bool is_selected(const DumpRow& row) const {
    const auto* selected = view_.options.selected;
    return selected == nullptr || (row.socket < selected->size() && (*selected)[row.socket]);
  }

  bool wants(std::uint32_t tables) const { return (view_.options.selection.tables() & tables) != 0; }

  template <class Visit>
  void for_each_row(std::uint16_t family, const Visit& visit) {
    for (const DumpRow& row : view_.snapshot.first_dump->rows)
      if (row.netns == view_.netns && row.family == family) visit(row);
  }

  // Families whose one dump has all types.
  void show(std::uint32_t tables, std::uint16_t family, void (*print)(SsView&, const DumpRow&)) {
    const SsSelection& selection = view_.options.selection;
    if (!wants(tables) || !selection.shows_family(family)) return;
    std::vector<const DumpRow*> rows;
    for_each_row(family, [&](const DumpRow& row) { rows.push_back(&row); });
    // From /proc/net/unix ss sorts its rows.
    if (family == model::kFamilyUnix && !rows.empty() && rows.front()->listed)
      std::stable_sort(rows.begin(), rows.end(), [](const DumpRow* a, const DumpRow* b) {
        return std::pair(a->protocol, a->inode) < std::pair(b->protocol, b->inode);
      });
    for (const DumpRow* one : rows) {
      const DumpRow& row = *one;
      if (!is_wanted_type(row)) continue;
      // Netlink sockets have a state that ss doesn't show: for it they all are unconnected.
      const bool has_state = family == model::kFamilyUnix || family == model::kFamilyVsock || family == model::kFamilyTipc;
      if (!selection.shows_state(has_state ? row.state : model::kStateUnconn) || !is_selected(row)) continue;
      print(view_, row);
      ++rows_;
      if (view_.options.explain) ss_explain_row(view_, ss_socket(view_, row));
    }
  }

  // ss tells the types of UNIX and vsock sockets apart, not those of packet sockets.
  bool is_wanted_type(const DumpRow& row) const {
    const bool is_unix = row.family == model::kFamilyUnix;
    if (!is_unix && row.family != model::kFamilyVsock) return true;
    switch (row.protocol) {
      case model::kSocketStream: return wants(is_unix ? analyze::kUnixStream : analyze::kVsockStream);
      case model::kSocketDgram: return wants(is_unix ? analyze::kUnixDgram : analyze::kVsockDgram);
      case model::kSocketSeqpacket: return !is_unix || wants(analyze::kUnixSeqpacket);
      default: return true;
    }
  }

  // `falls_back`: to /proc/net, where the kernel has no dump of the table.
  void show_inet(std::uint32_t table, std::uint16_t protocol, bool falls_back) {
    const SsSelection& selection = view_.options.selection;
    if (!wants(table)) return;
    const std::uint16_t preferred = selection.preferred_family();
    const std::uint16_t first = preferred == model::kFamilyInet6 ? model::kFamilyInet6 : model::kFamilyInet;
    const bool dumped = view_.snapshot.first_dump->tables.count({view_.netns, first, protocol}) != 0;
    if (!dumped && !falls_back) return;
    if (!dumped) {
      show_inet_family(model::kFamilyInet, protocol, true);
      show_inet_family(model::kFamilyInet6, protocol, true);
      return;
    }
    show_inet_family(first, protocol, false);
    if (first == model::kFamilyInet && preferred != model::kFamilyInet)
      show_inet_family(model::kFamilyInet6, protocol, false);
  }

  void show_inet_family(std::uint16_t family, std::uint16_t protocol, bool listed) {
    if (!view_.options.selection.shows_family(family)) return;
    for_each_row(family, [&](const DumpRow& row) {
      if (row.protocol != protocol || row.listed != listed || !view_.options.selection.shows_state(row.state)) return;
      if (!is_selected(row)) return;
      // Bound, and neither listening nor connected: the kernel sends those only to who asks for their state by its number.
      if (protocol == model::kProtocolTcp && row.state == model::kStateUnconn && !listed) return;
      (listed ? ss_listed_inet_row : ss_inet_row)(view_, row);
      ++rows_;
      if (view_.options.explain) ss_explain_row(view_, ss_socket(view_, row));
    });
  }

  std::string out_;
  SsView view_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::string render_ss(const model::Snapshot& snapshot, std::uint32_t netns, const SsOptions& options, std::uint64_t* rows) {
  Ss ss(snapshot, netns, options);
  std::string text = ss.run();
  if (rows != nullptr) *rows += ss.rows();
  return text;
}

}  // namespace ssnap::render
