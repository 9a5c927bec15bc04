#include "render/pairs.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "render/address.h"
#include "render/escape.h"
#include "render/frame.h"
#include "render/layout.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Snapshot;
using model::Socket;
using model::Tie;

// Whose connections a port takes: by namespace, family (one for both of IP), protocol and port.
using Service = std::tuple<std::uint32_t, std::uint16_t, std::uint16_t, std::uint32_t>;

Service service_of(const Socket& socket) {
  return {socket.netns, is_ip(socket) ? model::kFamilyInet : socket.family, socket.protocol, socket.local.port};
}

std::set<Service> services_of(const Snapshot& snapshot) {
  std::set<Service> services;
  for (const auto& socket : snapshot.sockets) {
    const bool datagrams = socket.state == model::kStateUnconn && is_ip(socket) && socket.local.port != 0;
    if (has_port(socket) && (socket.state == model::kStateListen || datagrams)) services.insert(service_of(socket));
  }
  return services;
}

// Whether a is the client of b; absent: nothing tells.
std::optional<bool> is_client(const std::set<Service>& services, const Socket& a, const Socket& b) {
  if (a.family == model::kFamilyUnix) {
    const bool a_named = a.name->kind != model::UnixName::Kind::none, b_named = b.name->kind != model::UnixName::Kind::none;
    return a_named != b_named ? std::optional(b_named) : std::nullopt;
  }
  if (!has_port(a) || !has_port(b)) return std::nullopt;
  const bool a_serves = services.contains(service_of(a)), b_serves = services.contains(service_of(b));
  if (a_serves != b_serves) return b_serves;
  return a.local.port != b.local.port ? std::optional(a.local.port > b.local.port) : std::nullopt;
}

// The pair that a link of `socket` is one half of; absent where it ties no two ends.
std::optional<Pair> pair_of(std::uint32_t socket, const model::Link& link) {
  switch (link.tie) {
    case Tie::peer: return Pair{std::min(socket, link.socket), std::max(socket, link.socket), Tie::peer, link.certainty};
    case Tie::server: return Pair{socket, link.socket, Tie::server, link.certainty, true};
    case Tie::client: return Pair{link.socket, socket, Tie::server, link.certainty, true};
    case Tie::listener: return Pair{socket, link.socket, Tie::listener, link.certainty, true};
    case Tie::pending: return Pair{link.socket, socket, Tie::listener, link.certainty, true};
    case Tie::parent:
    case Tie::subflow: break;
  }
  return std::nullopt;
}

// One end in the table: who holds the socket, in as few words as there are.
struct Holders {
  std::vector<std::uint32_t> processes;
  std::string names;      // "psql[77]", "nginx[100] and 3 more", "none: orphan"
  std::string names_fds;  // "psql[77] fd 3"
};

Holders holders_of(const Snapshot& snapshot, const Socket& socket) {
  Holders out;
  const model::Owner* first = nullptr;
  for (const auto& owner : socket.owners) {
    out.processes.push_back(owner.process);
    // Who made it, or else who surely holds it, speaks for all.
    const auto rank = [](const model::Owner& one) {
      return std::pair(one.certainty, one.origin != model::Origin::creator);
    };
    if (first == nullptr || rank(owner) < rank(*first)) first = &owner;
  }
  std::sort(out.processes.begin(), out.processes.end());
  out.processes.erase(std::unique(out.processes.begin(), out.processes.end()), out.processes.end());
  if (first == nullptr) {
    out.names = "none";
    if (socket.ownerless_reason) out.names += ": " + std::string(model::ownerless_name(socket.ownerless_reason->code));
    out.names_fds = out.names;
    return out;
  }
  out.names = std::string(doubt_word(first->certainty)) + process_label(snapshot, first->process);
  out.names_fds = out.names;
  if (first->via == model::Via::fd && first->fds.size() == 1) out.names_fds += " fd " + std::to_string(first->fds[0]);
  if (out.processes.size() < 2) return out;
  const auto more = " and " + grouped_number(out.processes.size() - 1) + " more";
  out.names += more;
  out.names_fds += more;
  return out;
}

class Table {
 public:
  explicit Table(const Snapshot& snapshot) : snapshot_(snapshot) {}

  void add(const Pair& pair) {
    const Socket& a = snapshot_.sockets[pair.a];
    const Socket& b = snapshot_.sockets[pair.b];
    Line line;
    line.pair = pair;
    line.a_address = local_text(snapshot_, a) + foreign_mark(snapshot_, a);
    line.b_address = local_text(snapshot_, b) + foreign_mark(snapshot_, b);
    line.state = state_word(a.state);
    if (a.state != b.state) line.state += '/' + state_word(b.state);
    const auto any_port = pair.directed ? local_text_any_port(snapshot_, a) + foreign_mark(snapshot_, a) : line.a_address;
    // No part holds a newline: they are escaped.
    std::string key = protocol_text(a) + '\n' + line.state + '\n' + any_port + '\n' + line.b_address;
    for (const std::uint64_t part :
         {holders(pair.a).second, holders(pair.b).second, static_cast<std::uint64_t>(pair.tie),
          static_cast<std::uint64_t>(pair.certainty), static_cast<std::uint64_t>(pair.directed)})
      key += '\n' + std::to_string(part);
    const auto [at, is_new] = by_key_.emplace(key, lines_.size());
    if (is_new) {
      lines_.push_back(std::move(line));
    } else {
      Line& alike = lines_[at->second];
      if (alike.number++ == 1) alike.a_address = any_port;
    }
  }

  std::vector<LayoutRow> rows() {
    std::vector<LayoutRow> out;
    for (const auto& line : lines_) {
      const auto& pair = line.pair;
      const auto who = [&](std::uint32_t socket) {
        const auto& found = *holders(socket).first;
        return line.number == 1 ? found.names_fds : found.names;
      };
      LayoutRow row;
      row.cells = {{protocol_text(snapshot_.sockets[pair.a])}, {who(pair.a)}, {line.a_address}, {pair.directed ? "->" : "↔"},
                   {who(pair.b)}, {line.b_address}, {line.state}};
      row.last = {{note(line)}};
      out.push_back(std::move(row));
    }
    return out;
  }

 private:
  struct Line {
    Pair pair;
    std::string a_address, b_address, state;
    std::uint64_t number = 1;
  };

  // "x 40, probably, waits to be accepted".
  static std::string note(const Line& line) {
    std::string out;
    const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
    if (line.number > 1) add("x " + grouped_number(line.number));
    if (line.pair.certainty != model::Certainty::certain) {
      std::string doubt(doubt_word(line.pair.certainty));
      doubt.pop_back();
      add(doubt);
    }
    if (line.pair.tie == Tie::listener) add("waits to be accepted");
    return out;
  }

  // A socket's holders and a number that is the same for the same set of processes.
  std::pair<const Holders*, std::uint64_t> holders(std::uint32_t socket) {
    const auto [at, is_new] = holders_.try_emplace(socket);
    auto& [found, set] = at->second;
    if (is_new) {
      found = holders_of(snapshot_, snapshot_.sockets[socket]);
      // Those without an owner differ by the reason.
      std::string key = found.processes.empty() ? found.names : "";
      for (const std::uint32_t process : found.processes) key += std::to_string(process) + ',';
      set = sets_.try_emplace(std::move(key), sets_.size()).first->second;
    }
    return {&found, set};
  }

  const Snapshot& snapshot_;
  std::vector<Line> lines_;
  std::map<std::string, std::uint64_t> by_key_;  // -> lines_
  std::map<std::uint32_t, std::pair<Holders, std::uint64_t>> holders_;
  std::map<std::string, std::uint64_t> sets_;
};

}  // namespace

std::vector<Pair> find_pairs(const Rows& rows) {
  const Snapshot& snapshot = rows.snapshot;
  std::vector<Pair> pairs;
  for (const auto* socket : rows.sockets)
    for (const auto& link : socket->links)
      if (link.socket < snapshot.sockets.size())
        if (const auto pair = pair_of(static_cast<std::uint32_t>(socket - snapshot.sockets.data()), link)) pairs.push_back(*pair);
  // Both ends tell of it; the surer one counts.
  const auto which = [](const Pair& pair) { return std::tuple(pair.a, pair.b, pair.tie); };
  const auto order = [&](const Pair& x, const Pair& y) {
    return std::tuple(which(x), x.certainty) < std::tuple(which(y), y.certainty);
  };
  std::sort(pairs.begin(), pairs.end(), order);
  pairs.erase(std::unique(pairs.begin(), pairs.end(), [&](const Pair& x, const Pair& y) { return which(x) == which(y); }),
              pairs.end());
  const auto services = services_of(snapshot);
  for (Pair& pair : pairs) {
    if (pair.tie != Tie::peer) continue;
    const auto client = is_client(services, snapshot.sockets[pair.a], snapshot.sockets[pair.b]);
    pair.directed = client.has_value();
    if (client && !*client) std::swap(pair.a, pair.b);
  }
  std::sort(pairs.begin(), pairs.end(), order);
  return pairs;
}

std::string render_pairs(const Rows& rows, const Style& style) {
  const auto pairs = find_pairs(rows);
  Table table(rows.snapshot);
  for (const Pair& pair : pairs) table.add(pair);
  std::string out = head(rows, style);
  if (!pairs.empty())
    out += lay_out({"PROTO", "A", "ADDRESS", "", "B", "ADDRESS", "STATE", ""}, table.rows(), style.header, style.width, style.colour);
  const auto what = pairs.empty() ? "No pair of sockets on this host among " + count(rows.sockets.size(), "socket") + '.'
                                  : count(pairs.size(), "pair") + " on this host, of " + count(rows.sockets.size(), "socket") + '.';
  return out + foot(rows, style, !pairs.empty(), what);
}

}  // namespace ssnap::render
