#include <functional>
#include <map>
#include <optional>

#include "render/diff.h"
#include "render/json_item.h"
#include "render/json_parts.h"
#include "render/json_process.h"
#include "render/kinship.h"

namespace ssnap::render {
namespace {

using analyze::DiffItem;
using analyze::DiffKind;
using analyze::kNew;
using analyze::kOld;
using analyze::Side;

class DiffWriter {
 public:
  DiffWriter(const DiffView& view, bool lines) : view_(view), lines_(lines), parents_{parents_of(view.before), parents_of(view.after)} {}

  std::string write() {
    if (lines_) line("diff", [&](Item& item) { fill_head(item); });
    else add([&](Item& item) { fill_head(item); });
    // The lists follow in the same object.
    if (!lines_) out_.text().pop_back();
    begin_list("differences");
    for (const DiffItem& item : view_.diff.items)
      if (view_.shows(item)) line("difference", [&](Item& one) { fill_item(one, item); });
    begin_list("noise");
    for (std::size_t i = 1; i < analyze::kNoiseCount; ++i) {
      if (view_.diff.noise[i] == 0) continue;
      line("noise", [&](Item& noise) {
        noise.word("reason", analyze::noise_name(static_cast<analyze::Noise>(i)));
        noise.word("text", analyze::noise_text(static_cast<analyze::Noise>(i)));
        noise.number("count", view_.diff.noise[i]);
      });
    }
    begin_list("notes");
    for (const std::string& note : view_.diff.notes) line("note", [&](Item& item) { item.bytes("text", note); });
    if (!lines_) out_.text() += "\n]\n}\n";
    return std::move(out_.text());
  }

 private:
  void begin_list(const char* name) {
    if (lines_) return;
    out_.text() += is_in_list_ ? "\n],\n\"" : ",\n\"";
    out_.text() += std::string(name) + "\": [";
    is_in_list_ = is_first_ = true;
  }

  void add(const std::function<void(Item&)>& fill) {
    Item item(out_);
    fill(item);
    out_.close_all();
  }

  // An object that stands alone with its type, or in the list that was begun last.
  void line(std::string_view type, const std::function<void(Item&)>& fill) {
    if (!lines_) out_.text() += is_first_ ? "\n" : ",\n";
    is_first_ = false;
    add([&](Item& item) {
      if (lines_) item.word("type", type);
      fill(item);
    });
    if (lines_) out_.text() += '\n';
  }

  void fill_head(Item& item) const {
    item.word("basis", analyze::basis_name(view_.diff.basis));
    item.word("rule", basis_text(view_.diff.basis));
    item.flag("reversed", view_.diff.reversed);
    item.flag("with_noise", view_.noise);
    for (const Side side : {kOld, kNew}) {
      Item one = item.item(side == kOld ? "old" : "new");
      fill_host(one.item("host"), view_.of(side).host);
      fill_capture(one.item("capture"), view_.of(side).capture);
    }
  }

  void fill_item(Item& item, const DiffItem& from) const {
    item.word("change", analyze::change_name(from.change));
    item.word("kind", analyze::kind_name(from.kind));
    item.word_unless_empty("noise", analyze::noise_name(from.noise));
    item.bytes_unless_empty("doubt", from.doubt);
    if (from.count > 1) item.number("count", from.count);
    if (!from.fields.empty()) {
      List fields = item.list("fields");
      for (const auto& field : from.fields) {
        Item one = add_item(fields);
        one.word("field", field.field);
        one.bytes_unless_empty("old", field.before);
        one.bytes_unless_empty("new", field.after);
      }
    }
    put_owners(item, "owners_lost", kOld, from.owners_lost);
    put_owners(item, "owners_gained", kNew, from.owners_gained);
    for (const Side side : {kOld, kNew})
      if (from.index[side]) fill_thing(item.item(side == kOld ? "old" : "new"), from, side);
  }

  void put_owners(Item& item, std::string_view key, Side side, const std::vector<std::uint32_t>& owners) const {
    if (owners.empty()) return;
    List list = item.list(key);
    for (const std::uint32_t index : owners) {
      const model::Process& process = view_.of(side).processes[index];
      Item one = add_item(list);
      put_process_id(one, process);
      one.bytes_unless_empty("comm", process.comm);
      one.bytes_if("exe", process.exe);
    }
  }

  void fill_thing(Item item, const DiffItem& from, Side side) const {
    const model::Snapshot& snapshot = view_.of(side);
    const std::uint32_t index = *from.index[side];
    switch (from.kind) {
      case DiffKind::listener:
      case DiffKind::socket: return fill_socket(item, snapshot, snapshot.sockets[index]);
      case DiffKind::process: return fill_process(item, snapshot, index, parents_[side]);
      case DiffKind::netns: return fill_namespace(item, snapshot.namespaces[index]);
      case DiffKind::interface: return fill_interface(item, side, from.netns[side], index);
      case DiffKind::route: return fill_route(item, snapshot, from.netns[side], index, from.ipv6);
    }
  }

  static void put_netns(Item& item, const model::Snapshot& snapshot, std::uint32_t netns) {
    fill_namespace(item.item("netns"), snapshot.namespaces[netns]);
  }

  using Addresses = std::multimap<std::uint32_t, std::string>;  // by the interface's index

  const Addresses& addresses_of(Side side, std::uint32_t netns) const {
    const auto [at, is_new] = addresses_.try_emplace({side, netns});
    if (is_new)
      for (const auto& row : view_.of(side).net_tables.at(netns).addresses)
        at->second.emplace(row.interface_index, row.address.to_string() + '/' + std::to_string(row.prefix_length));
    return at->second;
  }

  void fill_interface(Item item, Side side, std::uint32_t netns, std::uint32_t index) const {
    const model::Snapshot& snapshot = view_.of(side);
    const model::Interface& interface = snapshot.net_tables.at(netns).interfaces[index];
    put_netns(item, snapshot, netns);
    item.bytes("name", interface.name);
    item.number("index", interface.index);
    item.number("flags", interface.flags);
    item.number("mtu_bytes", interface.mtu_bytes);
    item.number("promiscuity", interface.promiscuity);
    List addresses = item.list("addresses");
    const auto [first, last] = addresses_of(side, netns).equal_range(interface.index);
    for (auto at = first; at != last; ++at) addresses.add(at->second);
  }

  static void fill_route(Item item, const model::Snapshot& snapshot, std::uint32_t netns, std::uint32_t index, bool ipv6) {
    const auto& tables = snapshot.net_tables.at(netns);
    const model::Route& route = (ipv6 ? *tables.routes6 : *tables.routes)[index];
    put_netns(item, snapshot, netns);
    item.word("family", ipv6 ? "inet6" : "inet");
    item.word("destination", route.destination.to_string());
    item.number("prefix_length", analyze::prefix_length(route));
    if (!route.gateway.is_any()) item.word("gateway", route.gateway.to_string());
    item.bytes_unless_empty("interface", route.interface);
    item.number("metric", route.metric);
    item.number("flags", route.flags);
  }

  const DiffView& view_;
  bool lines_;
  std::array<std::vector<std::optional<std::uint32_t>>, 2> parents_;
  mutable std::map<std::pair<Side, std::uint32_t>, Addresses> addresses_;  // made where they are asked for
  JsonText out_;
  bool is_in_list_ = false, is_first_ = true;
};

}  // namespace

std::string render_diff_json(const DiffView& view) { return DiffWriter(view, false).write(); }
std::string render_diff_ndjson(const DiffView& view) { return DiffWriter(view, true).write(); }

}  // namespace ssnap::render
