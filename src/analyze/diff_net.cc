// Network namespaces, and the interfaces, addresses and routes of those that both snapshots have.
#include <algorithm>
#include <map>

#include "analyze/diff_match.h"

namespace ssnap::analyze {
namespace {

// IFF_* (include/uapi/linux/if.h), those that someone sets or a cable makes.
constexpr struct {
  std::string_view name;
  std::uint32_t flag;
} kFlags[] = {{"up", 0x1}, {"carrier", 0x40}, {"promiscuous", 0x100}, {"all-multicast", 0x200}, {"arp-off", 0x80}};
// IFA_F_TEMPORARY of an IPv6 address (include/uapi/linux/if_addr.h): a new one every day, on its own.
constexpr std::uint32_t kTemporary = 0x01;
// RTF_* of IPv6: made by the kernel for each of its own addresses, or for one destination for a while.
constexpr std::uint32_t kRouteLocal = 0x80000000, kRouteCache = 0x01000000, kRouteAnycast = 0x00100000;

// "10.0.0.5/24, fe80::1/64", by the interface's index.
std::map<std::uint32_t, std::string> addresses_of(const model::NetTables& tables) {
  std::vector<std::pair<std::uint32_t, std::string>> all;
  for (const auto& row : tables.addresses)
    if (!row.address.is_v6() || (row.flags & kTemporary) == 0)
      all.emplace_back(row.interface_index, row.address.to_string() + '/' + std::to_string(row.prefix_length));
  std::sort(all.begin(), all.end());
  std::map<std::uint32_t, std::string> texts;
  for (const auto& [index, address] : all) {
    std::string& text = texts[index];
    text += (text.empty() ? "" : ", ") + address;
  }
  return texts;
}

class NetDiff {
 public:
  NetDiff(const Matching& matching, Diff& diff) : matching_(matching), diff_(diff) {}

  void compare(std::uint32_t before, std::uint32_t after) {
    netns_ = {before, after};
    static const model::NetTables kNone;
    for (const Side side : {kOld, kNew}) {
      const auto found = matching_.of(side).net_tables.find(netns_[side]);
      tables_[side] = found == matching_.of(side).net_tables.end() ? &kNone : &found->second;
    }
    if (both("interfaces", !of(kOld).interfaces.empty(), !of(kNew).interfaces.empty())) compare_interfaces();
    if (both("IPv4 routes", of(kOld).routes.has_value(), of(kNew).routes.has_value()))
      compare_routes(*of(kOld).routes, *of(kNew).routes, false);
    if (both("IPv6 routes", of(kOld).routes6.has_value(), of(kNew).routes6.has_value()))
      compare_routes(*of(kOld).routes6, *of(kNew).routes6, true);
  }

 private:
  const model::NetTables& of(Side side) const { return *tables_[side]; }

  bool both(const std::string& what, bool before, bool after) {
    if (before != after)
      diff_.notes.push_back(side_word(before ? kNew : kOld) + " has no " + what + " of " +
                            netns_text(before ? kOld : kNew) + ": not compared");
    return before && after;
  }

  std::string netns_text(Side side) const {
    const auto& netns = matching_.of(side).namespaces[netns_[side]];
    return netns.own ? "the host's own namespace" : "namespace " + (netns.name.empty() ? std::to_string(netns.inode) : netns.name);
  }

  DiffItem item_of(DiffKind kind, Change change) const {
    DiffItem item;
    item.kind = kind;
    item.change = change;
    item.netns = netns_;
    return item;
  }

  void add_left(const Unpaired& left, DiffKind kind, bool ipv6) {
    for (const Side side : {kOld, kNew})
      for (const std::uint32_t i : left[side]) {
        DiffItem item = item_of(kind, side == kOld ? Change::gone : Change::appeared);
        item.index[side] = i;
        item.ipv6 = ipv6;
        item.doubt = incomplete_doubt(matching_.of(other(side)), other(side));
        diff_.items.push_back(std::move(item));
      }
  }

  void compare_interfaces() {
    addresses_ = {addresses_of(of(kOld)), addresses_of(of(kNew))};
    Unpaired left = all_of(of(kOld).interfaces.size(), of(kNew).interfaces.size());
    pair_up(left, [this](Side side, std::uint32_t i) { return Key("interface").add(of(side).interfaces[i].name).take(); },
            [this](std::uint32_t before, std::uint32_t after) { compare_interface(before, after); });
    add_left(left, DiffKind::interface, false);
  }

  void compare_interface(std::uint32_t before, std::uint32_t after) {
    const model::Interface& a = of(kOld).interfaces[before];
    const model::Interface& b = of(kNew).interfaces[after];
    DiffItem item = item_of(DiffKind::interface, Change::changed);
    item.index = {before, after};
    for (const auto& row : kFlags)
      add_change(item.fields, row.name, (a.flags & row.flag) != 0 ? "yes" : "no", (b.flags & row.flag) != 0 ? "yes" : "no");
    const auto text = [](const std::optional<std::uint32_t>& value) { return value ? std::to_string(*value) : std::string(); };
    add_change(item.fields, "mtu_bytes", text(a.mtu_bytes), text(b.mtu_bytes));
    if (a.promiscuity && b.promiscuity) add_change(item.fields, "promiscuity", text(a.promiscuity), text(b.promiscuity));
    add_change(item.fields, "addresses", addresses_[kOld][a.index], addresses_[kNew][b.index]);
    if (!item.fields.empty()) diff_.items.push_back(std::move(item));
  }

  // A route is all of what decides where a packet goes: one that has another gateway is another one.
  void compare_routes(const std::vector<model::Route>& before, const std::vector<model::Route>& after, bool ipv6) {
    const std::array<const std::vector<model::Route>*, 2> lists{&before, &after};
    Unpaired left = all_of(before.size(), after.size());
    for (const Side side : {kOld, kNew})
      std::erase_if(left[side], [&](std::uint32_t i) {
        return ipv6 && ((*lists[side])[i].flags & (kRouteLocal | kRouteCache | kRouteAnycast)) != 0;
      });
    const auto key_of = [&](Side side, std::uint32_t i) {
      constexpr std::uint32_t kReject = 0x0200;  // RTF_REJECT
      const model::Route& route = (*lists[side])[i];
      return Key("route").add(route.destination).add(route.mask).add(route.prefix_length).add(route.gateway).add(route.interface)
          .add(route.metric).add(route.flags & kReject).take();
    };
    pair_up(left, key_of, [](std::uint32_t, std::uint32_t) {});
    add_left(left, DiffKind::route, ipv6);
  }

  const Matching& matching_;
  Diff& diff_;
  std::array<std::uint32_t, 2> netns_{};
  std::array<const model::NetTables*, 2> tables_{};
  std::array<std::map<std::uint32_t, std::string>, 2> addresses_;
};

}  // namespace

void diff_namespaces(const Matching& matching, const DiffScope& scope, Diff& diff) {
  for (const Side side : {kOld, kNew}) {
    const auto& namespaces = matching.of(side).namespaces;
    std::string doubt = incomplete_doubt(matching.of(other(side)), other(side));
    if (doubt.empty() && left_out(matching.of(other(side)), "netns_list")) doubt = side_word(other(side)) + " doesn't have every network namespace";
    for (std::uint32_t i = 0; i < namespaces.size(); ++i) {
      if (!scope.namespaces[side][i] || matching.other_netns(side, i) || namespaces[i].unknown) continue;
      DiffItem item;
      item.kind = DiffKind::netns;
      item.change = side == kOld ? Change::gone : Change::appeared;
      item.index[side] = i;
      item.doubt = doubt;
      diff.items.push_back(std::move(item));
    }
  }
}

void diff_net_tables(const Matching& matching, const DiffScope& scope, Diff& diff) {
  NetDiff net(matching, diff);
  for (std::uint32_t before = 0; before < matching.of(kOld).namespaces.size(); ++before)
    if (const auto after = matching.other_netns(kOld, before);
        after && scope.namespaces[kOld][before] && !matching.of(kOld).namespaces[before].unknown)
      net.compare(before, *after);
}

}  // namespace ssnap::analyze
