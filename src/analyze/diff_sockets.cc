// Sockets: what they are matched by, and what of their coming and going is noise. docs/diff.md states the rules.
#include <algorithm>
#include <set>
#include <tuple>

#include "analyze/diff_match.h"

namespace ssnap::analyze {
namespace {

using model::Socket;
using model::UnixName;

// What a socket is in the life of its program: decides by what another may stand for it.
enum class Role : std::uint8_t {
  passing, kernels, collector, unnamed,
  listener,   // bound to a name that others know
  ephemeral,  // bound to a port that the kernel chose
  inbound,    // accepted by a listener
  outbound,   // connected from here
  other,
};

bool is_ip(const Socket& socket) { return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6; }
bool is_raw(const Socket& socket) {
  return socket.protocol == model::kProtocolRaw || socket.protocol == model::kProtocolIcmp || socket.protocol == model::kProtocolIcmp6;
}
bool is_datagram(const Socket& socket) {
  return socket.protocol == model::kProtocolUdp || socket.protocol == model::kProtocolUdplite;
}

// "00a1f", which the kernel gives to a socket that is bound without a name (unix_autobind, net/unix/af_unix.c).
bool is_autobound(const UnixName& name) {
  constexpr std::size_t kDigits = 5;
  return name.kind == UnixName::Kind::abstract_name && name.bytes.size() == kDigits &&
         name.bytes.find_first_not_of("0123456789abcdef") == std::string::npos;
}
bool is_named(const UnixName& name) { return name.kind != UnixName::Kind::none && !is_autobound(name); }

void add_name(Key& key, const UnixName& name) {
  key.add(static_cast<std::uint64_t>(name.kind)).add(is_autobound(name) ? std::string_view() : std::string_view(name.bytes));
}

// The table of /proc/net or netlink that shows the socket, as the account calls it; "": none does.
std::string table_of(const Socket& socket) {
  if (!is_ip(socket)) return std::string(model::family_name(socket.family));
  if (socket.protocol == model::kProtocolIcmp6) return "icmp6";
  return std::string(model::protocol_name(socket.family, socket.protocol)) + (socket.family == model::kFamilyInet6 ? "6" : "");
}

bool is_sure(const model::Owner& owner) { return owner.certainty != model::Certainty::possible; }

std::string yes_or_no(const std::optional<bool>& value) { return !value ? "" : *value ? "yes" : "no"; }

class SocketDiff {
 public:
  SocketDiff(const Matching& matching, const DiffScope& scope, Diff& diff) : matching_(matching), scope_(scope), diff_(diff) {
    for (const Side side : {kOld, kNew}) {
      const model::Snapshot& snapshot = matching.of(side);
      for (const model::AccountLine& line : snapshot.account) tables_[side].emplace(line.netns, line.table);
      for (const Socket& socket : snapshot.sockets)
        if (socket.state == model::kStateListen || (is_ip(socket) && is_datagram(socket) && socket.state == model::kStateUnconn))
          if (!is_ephemeral(side, socket)) listening_.at(side).emplace(socket.netns, socket.protocol, socket.local.port);
      for (const Socket& socket : snapshot.sockets) roles_[side].push_back(role_of(side, socket));
    }
    // What is left of a connection, and what is the collectors', stands for nothing else.
    for (const Side side : {kOld, kNew})
      for (std::uint32_t i = 0; i < roles_[side].size(); ++i) {
        const bool is_apart = roles_[side][i] == Role::passing || roles_[side][i] == Role::collector;
        (is_apart ? apart_ : left_)[side].push_back(i);
      }
  }

  void run() {
    const auto place = [this](Side side, std::uint32_t i) { return place_key(side, at(side, i)); };
    const auto same = [this](std::uint32_t before, std::uint32_t after) { compare(before, after); };
    const auto ignore = [](std::uint32_t, std::uint32_t) {};
    if (matching_.same_boot()) {
      const auto cookie = [this](Side side, std::uint32_t i) { return cookie_key(side, at(side, i)); };
      const auto inode = [this](Side side, std::uint32_t i) { return inode_key(side, at(side, i)); };
      for (const auto& key : {KeyOf(cookie), KeyOf(inode), KeyOf(place)}) {
        pair_up(apart_, key, ignore);
        pair_up(left_, key, same);
      }
    } else {
      const auto likeness = [this](Side side, std::uint32_t i) {
        return roles_[side][i] == Role::listener || roles_[side][i] == Role::kernels ? place_key(side, at(side, i)) : likeness_key(side, i);
      };
      pair_up(left_, likeness, same, [this](Side side, std::uint32_t i) { add_one(side, i, Noise::number); });
    }
    // A listener of the same program at the same port that has another address now.
    pair_up(left_, [this](Side side, std::uint32_t i) { return port_key(side, i); }, same);
    if (matching_.same_boot()) {
      pair_up(left_, [this](Side side, std::uint32_t i) { return likeness_key(side, i); }, [this](std::uint32_t before, std::uint32_t after) {
        add_one(kOld, before, Noise::replaced);
        add_one(kNew, after, Noise::replaced);
      });
    }
    for (const Side side : {kOld, kNew}) {
      for (const auto* list : {&left_[side], &apart_[side]})
        for (const std::uint32_t i : *list) add_one(side, i, noise_of(roles_[side][i]));
    }
  }

 private:
  const Socket& at(Side side, std::uint32_t i) const { return matching_.of(side).sockets[i]; }

  bool is_ephemeral(Side side, const Socket& socket) const {
    const auto& namespaces = matching_.of(side).namespaces;
    if (socket.netns >= namespaces.size() || !is_ip(socket) || !is_datagram(socket)) return false;
    const auto& ports = namespaces[socket.netns].local_ports;
    return ports && socket.local.port >= ports->first && socket.local.port <= ports->last;
  }

  static bool is_passing(const Socket& socket) {
    switch (socket.state) {
      case model::kStateTimeWait:
      case model::kStateNewSynRecv: return true;
      case model::kStateSynRecv:
      case model::kStateFinWait1:
      case model::kStateFinWait2:
      case model::kStateLastAck:
      case model::kStateClosing: return socket.owners.empty();
      default: return false;
    }
  }

  bool is_of_collector(Side side, const Socket& socket) const {
    return !socket.owners.empty() && std::all_of(socket.owners.begin(), socket.owners.end(), [&](const model::Owner& owner) {
      return owner.process < matching_.of(side).processes.size() && matching_.is_collector(side, owner.process);
    });
  }

  Role role_of(Side side, const Socket& socket) const {
    // Nobody held it for as long as the capture took.
    if (socket.ownerless_reason && socket.ownerless_reason->code == model::OwnerlessCode::gone) return Role::passing;
    if (is_ip(socket) && is_passing(socket)) return Role::passing;
    if (socket.ownerless_reason && socket.ownerless_reason->code == model::OwnerlessCode::kernel) return Role::kernels;
    if (is_of_collector(side, socket)) return Role::collector;
    if (socket.family == model::kFamilyUnix) return role_of_unix(socket);
    if (socket.state == model::kStateListen) return Role::listener;
    if (!is_ip(socket) || is_raw(socket)) return Role::other;
    if (socket.state == model::kStateUnknown) return Role::unnamed;
    if (socket.state == model::kStateUnconn || socket.state == model::kStateBoundInactive) {
      if (socket.local.port == 0) return Role::unnamed;
      return is_ephemeral(side, socket) ? Role::ephemeral : is_datagram(socket) ? Role::listener : Role::other;
    }
    return listening_[side].count({socket.netns, socket.protocol, socket.local.port}) != 0 ? Role::inbound : Role::outbound;
  }

  static Role role_of_unix(const Socket& socket) {
    const bool is_connected = socket.protocol != model::kSocketDgram && socket.state != model::kStateListen && socket.state != model::kStateUnconn;
    if (is_named(socket.name)) return is_connected ? Role::inbound : Role::listener;
    return is_named(socket.peer_name) ? Role::outbound : Role::unnamed;
  }

  Noise noise_of(Role role) const {
    switch (role) {
      case Role::passing: return Noise::passing;
      case Role::kernels: return Noise::kernels;
      case Role::collector: return Noise::collector;
      case Role::unnamed: return Noise::unnamed;
      case Role::inbound: return matching_.same_boot() ? Noise::none : Noise::inbound;
      default: return Noise::none;
    }
  }

  // What every key of a socket begins with.
  Key begin_key(std::string_view kind, Side side, const Socket& socket) const {
    Key key(kind);
    key.add(matching_.netns_key(side, socket.netns)).add(socket.family).add(socket.protocol);
    return key;
  }

  std::string cookie_key(Side side, const Socket& socket) const {
    return socket.cookie ? begin_key("cookie", side, socket).add(*socket.cookie).take() : "";
  }
  // Where one of the two knows no cookie.
  std::string inode_key(Side side, const Socket& socket) const {
    return socket.inode && *socket.inode != 0 ? begin_key("inode", side, socket).add(*socket.inode).take() : "";
  }

  void add_end(Key& key, Side side, const Socket& socket, const model::Endpoint& end) const {
    key.add(end.address).add(end.port).add(end.node.value_or(0));
    const auto name = matching_.of(side).interfaces.find({socket.netns, end.interface_index});
    if (name == matching_.of(side).interfaces.end()) key.add(end.interface_index);
    else key.add(name->second);
  }

  // Where it is: its addresses or names.
  std::string place_key(Side side, const Socket& socket) const {
    Key key = begin_key("place", side, socket);
    if (socket.family == model::kFamilyUnix) {
      if (!is_named(socket.name) && !is_named(socket.peer_name)) return "";
      add_name(key, socket.name);
      add_name(key, socket.peer_name);
      return key.add(socket.state == model::kStateListen).take();
    }
    add_particulars(key, socket);
    add_end(key, side, socket, socket.local);
    add_end(key, side, socket, socket.peer);
    return key.take();
  }

  static void add_particulars(Key& key, const Socket& socket) {
    if (!socket.details) return;
    if (socket.details->packet) key.add(socket.details->packet->ethertype);
    if (socket.details->raw_protocol) key.add(*socket.details->raw_protocol);
  }

  // The programs of its owners, together.
  std::string programs_of(Side side, const Socket& socket) const {
    std::set<std::string_view> programs;
    for (const model::Owner& owner : socket.owners)
      if (is_sure(owner) && owner.process < matching_.of(side).processes.size()) programs.insert(matching_.program(side, owner.process));
    std::string all;
    for (const std::string_view program : programs) all.append(program).append(1, '\n');
    return all;
  }

  // What another socket must share with it to stand in its place: everything but what the kernel or the other end chose.
  std::string likeness_key(Side side, std::uint32_t i) const {
    const Socket& socket = at(side, i);
    const Role role = roles_[side][i];
    Key key = begin_key("likeness", side, socket);
    key.add(static_cast<std::uint64_t>(role)).add(programs_of(side, socket));
    switch (role) {
      case Role::ephemeral: return key.add(socket.local.address).take();
      case Role::outbound:
        if (socket.family == model::kFamilyUnix) add_name(key, socket.peer_name);
        else key.add(socket.peer.address.unmapped()).add(socket.peer.port);
        return key.take();
      case Role::inbound:
        if (!matching_.same_boot()) return "";
        if (socket.family == model::kFamilyUnix) add_name(key, socket.name);
        else key.add(socket.local.address).add(socket.local.port).add(socket.peer.address);
        return key.take();
      case Role::other: {
        add_particulars(key, socket);
        model::Endpoint local = socket.local;
        if (socket.family == model::kFamilyNetlink || is_ip(socket)) local.port = 0;  // chosen by the kernel
        add_end(key, side, socket, local);
        return key.add(socket.state).take();
      }
      default: return matching_.same_boot() ? key.take() : "";
    }
  }

  std::string port_key(Side side, std::uint32_t i) const {
    const Socket& socket = at(side, i);
    if (roles_[side][i] != Role::listener || !is_ip(socket)) return "";
    return Key("port").add(matching_.netns_key(side, socket.netns)).add(socket.protocol).add(socket.local.port)
        .add(programs_of(side, socket)).take();
  }

  DiffKind kind_of(Side side, std::uint32_t i) const {
    return roles_[side][i] == Role::listener ? DiffKind::listener : DiffKind::socket;
  }

  // What only one side has.
  void add_one(Side side, std::uint32_t i, Noise noise) {
    if (!scope_.sockets[side][i]) return;
    DiffItem item;
    item.kind = kind_of(side, i);
    item.change = side == kOld ? Change::gone : Change::appeared;
    item.noise = noise;
    item.index[side] = i;
    item.doubt = doubt_about(other(side), at(side, i).netns, at(side, i));
    diff_.items.push_back(std::move(item));
  }

  // Why `missing`, which doesn't show the socket, may have had it.
  std::string doubt_about(Side missing, std::uint32_t netns, const Socket& socket) const {
    const model::Snapshot& snapshot = matching_.of(missing);
    if (auto doubt = incomplete_doubt(snapshot, missing); !doubt.empty()) return doubt;
    const auto there = matching_.other_netns(other(missing), netns);
    if (!there) return left_out(snapshot, "netns_list") ? side_word(missing) + " doesn't have every network namespace" : "";
    const std::string table = table_of(socket);
    if (table.empty() || tables_[other(missing)].count({netns, table}) == 0 || tables_[missing].count({*there, table}) != 0) return "";
    return side_word(missing) + " has no " + table + " table";
  }

  void compare(std::uint32_t before, std::uint32_t after) {
    if (!scope_.sockets[kOld][before] && !scope_.sockets[kNew][after]) return;
    const Socket& a = at(kOld, before);
    const Socket& b = at(kNew, after);
    // Of the kernel's own nothing is of interest but that they are there.
    const Role role = roles_[kNew][after];
    if (role == Role::kernels) return;
    DiffItem item;
    item.kind = kind_of(kNew, after);
    item.change = Change::changed;
    item.index = {before, after};
    const bool is_lasting = matching_.same_boot() || role == Role::listener;
    if (is_lasting) compare_values(a, b, item);
    compare_owners(a, b, item);
    if (item.fields.empty() && item.owners_lost.empty() && item.owners_gained.empty()) return;
    diff_.items.push_back(std::move(item));
  }

  void compare_values(const Socket& a, const Socket& b, DiffItem& item) const {
    const auto state = [](const Socket& socket) {
      const auto name = model::state_name(socket.state);
      return name.empty() ? "state-" + std::to_string(socket.state) : std::string(name);
    };
    add_change(item.fields, "state", state(a), state(b));
    add_change(item.fields, "local", end_text(kOld, a, a.local), end_text(kNew, b, b.local));
    add_change(item.fields, "peer", end_text(kOld, a, a.peer), end_text(kNew, b, b.peer));
    const auto user = [&](Side side, const Socket& socket) { return socket.uid ? matching_.user(side, *socket.uid) : std::string(); };
    add_change(item.fields, "uid", user(kOld, a), user(kNew, b));
    if (!a.details || !b.details) return;
    add_change(item.fields, "v6only", yes_or_no(a.details->v6only), yes_or_no(b.details->v6only));
    if (a.details->packet && b.details->packet) compare_packet(*a.details->packet, *b.details->packet, item);
  }

  static void compare_packet(const model::PacketDetails& a, const model::PacketDetails& b, DiffItem& item) {
    const auto filter = [](const model::PacketDetails& packet) {
      return packet.filter ? std::to_string(packet.filter->size()) + (packet.filter->size() == 1 ? " instruction" : " instructions") : std::string("none");
    };
    const auto same = [](const model::BpfInstruction& x, const model::BpfInstruction& y) {
      return std::tie(x.code, x.jump_true, x.jump_false, x.k) == std::tie(y.code, y.jump_true, y.jump_false, y.k);
    };
    const bool is_other = a.filter && b.filter && !std::equal(a.filter->begin(), a.filter->end(), b.filter->begin(), b.filter->end(), same);
    add_change(item.fields, "filter", filter(a), filter(b) + (is_other && filter(a) == filter(b) ? ", others" : ""));
    add_change(item.fields, "memberships", std::to_string(a.memberships.size()), std::to_string(b.memberships.size()));
  }

  std::string end_text(Side side, const Socket& socket, const model::Endpoint& end) const {
    if (end.address.length == 0 || (end.address.is_any() && end.port == 0)) return "";
    const std::string address = end.address.to_string();
    std::string text = (end.address.is_v6() ? '[' + address + ']' : address) + (is_raw(socket) ? "" : ':' + std::to_string(end.port));
    const auto name = matching_.of(side).interfaces.find({socket.netns, end.interface_index});
    if (end.interface_index != 0) text += " on " + (name == matching_.of(side).interfaces.end() ? "if" + std::to_string(end.interface_index) : name->second);
    return text;
  }

  // The processes that hold it, each once.
  std::vector<std::uint32_t> holders(Side side, const Socket& socket) const {
    std::vector<std::uint32_t> processes;
    for (const model::Owner& owner : socket.owners)
      if (is_sure(owner) && owner.process < matching_.of(side).processes.size()) processes.push_back(owner.process);
    std::sort(processes.begin(), processes.end());
    processes.erase(std::unique(processes.begin(), processes.end()), processes.end());
    return processes;
  }

  // Same boot: by process, then one for another of the same program. Else by program alone.
  void compare_owners(const Socket& a, const Socket& b, DiffItem& item) const {
    Unpaired left{holders(kOld, a), holders(kNew, b)};
    bool replaced = false;
    if (matching_.same_boot()) {
      pair_up(left, [this](Side side, std::uint32_t process) { return process_key(side, process); }, [](std::uint32_t, std::uint32_t) {});
    }
    const Unpaired all = left;
    pair_up(left, [this](Side side, std::uint32_t process) { return Key("program").add(matching_.program(side, process)).take(); },
            [&](std::uint32_t, std::uint32_t) { replaced = true; },
            matching_.same_boot() ? nullptr : std::function<void(Side, std::uint32_t)>([](Side, std::uint32_t) {}));
    const bool is_noise = left[kOld].empty() && left[kNew].empty();
    if (is_noise && !(replaced && matching_.same_boot())) return;
    std::tie(item.owners_lost, item.owners_gained) = is_noise ? std::tie(all[kOld], all[kNew]) : std::tie(left[kOld], left[kNew]);
    if (!item.fields.empty()) return;
    if (is_noise) item.noise = Noise::program;
    else if (is_unseen(a, b, left)) item.noise = Noise::unseen;
  }

  std::string process_key(Side side, std::uint32_t process) const {
    const auto same = matching_.other_process(side, process);
    if (!same) return "";
    return Key("process").add(side == kOld ? process : *same).take();
  }

  // True if one capture could not see who holds it, so that a holder more or less says nothing.
  bool is_unseen(const Socket& a, const Socket& b, const Unpaired& left) const {
    const auto is_unreadable = [](const Socket& socket) {
      return socket.ownerless_reason && socket.ownerless_reason->code == model::OwnerlessCode::unreadable;
    };
    if (is_unreadable(a) || is_unreadable(b)) return true;
    for (const Side side : {kOld, kNew})
      for (const std::uint32_t process : left[side]) {
        const auto there = matching_.other_process(side, process);
        if (!there || matching_.of(other(side)).processes[*there].fds_readable) return false;
      }
    return true;
  }

  const Matching& matching_;
  const DiffScope& scope_;
  Diff& diff_;
  std::array<std::set<std::pair<std::uint32_t, std::string>>, 2> tables_;  // namespace, table: those that there are
  std::array<std::set<std::tuple<std::uint32_t, std::uint16_t, std::uint32_t>>, 2> listening_;  // namespace, protocol, port
  std::array<std::vector<Role>, 2> roles_;
  Unpaired left_, apart_;
};

}  // namespace

void diff_sockets(const Matching& matching, const DiffScope& scope, Diff& diff) { SocketDiff(matching, scope, diff).run(); }

}  // namespace ssnap::analyze
