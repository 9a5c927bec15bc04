#include "render/json.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <functional>

#include "render/byte_order.h"
#include "render/fields.h"
#include "render/in_order.h"
#include "render/json_details.h"
#include "render/json_findings.h"
#include "render/json_item.h"
#include "render/json_parts.h"
#include "render/json_process.h"
#include "render/kinship.h"
#include "render/pairs.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Snapshot;

// Owners of an end of a pair: the socket itself, in `sockets`, has all of them.
constexpr std::size_t kMaxPairOwners = 32;

}  // namespace

void fill_host(Item item, const model::Host& host) {
  item.bytes_if("nodename", host.nodename);
  item.bytes_if("kernel", host.kernel);
  item.bytes_if("kernel_version", host.kernel_version);
  item.bytes_if("machine", host.machine);
  item.bytes_if("boot_id", host.boot_id);
  item.bytes_if("machine_id", host.machine_id);
  item.number("clk_tck", host.clk_tck);
  // An archive says it itself.
  if (!host.byte_order || host.byte_order->from == model::HostByteOrder::From::capture) return;
  item.word("byte_order", byte_order_word(host.byte_order->order));
  item.word("byte_order_from", byte_order_from_word(host.byte_order->from));
  item.bytes_unless_empty("byte_order_detail", host.byte_order->detail);
}

void fill_capture(Item item, const model::Capture& capture) {
  item.bytes_if("tool_version", capture.tool_version);
  item.byte_strings("arguments", capture.arguments);
  List fields = item.list("case");
  for (const auto& [name, value] : capture.case_fields) {
    Item field = add_item(fields);
    field.bytes("name", name);
    field.bytes("value", value);
  }
  item.time("begin", capture.begin_realtime_nsec);
  item.time("end", capture.end_realtime_nsec);
  item.number("smear_nsec", capture.smear_nsec);
  item.bytes_unless_empty("status", capture.status);
  item.bytes_unless_empty("status_detail", capture.status_detail);
  item.flag("incomplete", capture.incomplete);
  item.number("processes_found", capture.processes_found);
  item.number("processes_read", capture.processes_read);
}

void fill_namespace(Item item, const model::Namespace& netns) {
  if (netns.inode != 0) item.number("inode", netns.inode);
  item.bytes_unless_empty("name", netns.name);
  item.bytes_unless_empty("how", netns.how);
  item.flag("own", netns.own);
  item.flag_if_set("unknown", netns.unknown);
}

namespace {

// The port number of vsock's wildcards is their CID's too (VMADDR_PORT_ANY, VMADDR_CID_ANY).
constexpr std::uint32_t kVsockAny = 0xffffffff;

void fill_endpoint(Item item, const Snapshot& snapshot, const model::Socket& socket,
                   const model::Endpoint& end, bool local) {
  switch (socket.family) {
    case model::kFamilyNetlink:
      if (local ? local_is_known(socket) : peer_is_known(socket)) item.number("port_id", end.port);
      break;
    case model::kFamilyVsock:
      if (!end.node) break;
      item.number("cid", *end.node);
      item.flag_if_set("any_cid", *end.node == kVsockAny);
      item.number("port", end.port);
      item.flag_if_set("any_port", end.port == kVsockAny);
      break;
    case model::kFamilyTipc:
      if (!end.node) break;
      item.number("node", *end.node);
      item.number("port", end.port);
      break;
    default:
      if (end.address.length == 0) break;
      item.word("address", end.address.to_string());
      if (!is_raw(socket)) item.number("port", end.port);
  }
  if (end.interface_index == 0) return;
  item.bytes_unless_empty("interface", interface_name(snapshot, socket.netns, end.interface_index));
  item.number("interface_index", end.interface_index);
}

void put_unix_name(Item& item, const model::UnixName& name) {
  if (name.kind == model::UnixName::Kind::path) item.bytes("path", name.bytes);
  if (name.kind == model::UnixName::Kind::abstract_name) item.bytes("abstract", name.bytes);
}

void put_local(Item& local, const Snapshot& snapshot, const model::Socket& socket) {
  if (socket.family == model::kFamilyUnix)
    put_unix_name(local, socket.name);
  else
    fill_endpoint(local, snapshot, socket, socket.local, true);
}

}  // namespace

void put_ends(Item& item, const Snapshot& snapshot, const model::Socket& socket) {
  Item local = item.item("local");
  put_local(local, snapshot, socket);
  Item peer = item.item("peer");
  if (socket.family == model::kFamilyUnix) {
    put_unix_name(peer, socket.peer_name);
    peer.number("inode", socket.peer_inode);
  } else {
    fill_endpoint(peer, snapshot, socket, socket.peer, false);
  }
}

namespace {

void fill_timer(Item item, const model::Timer& timer) {
  const auto name = model::timer_name(timer.number);
  item.word("name", name.empty() ? "timer-" + std::to_string(timer.number) : std::string(name));
  item.number("number", timer.number);
  item.number("expires_msec", timer.expires_msec);
  item.number("retransmits", timer.retransmits);
}

void put_sightings(Item& item, const Snapshot& snapshot, const model::Socket& socket) {
  List sources = item.list("sources");
  std::array<std::bitset<256>, model::kViewCount> seen;  // passes of each view
  for (const auto& sighting : socket.sightings) {
    auto passes = seen.at(static_cast<std::size_t>(sighting.view))[sighting.pass];
    if (passes) continue;
    passes = true;
    Item source = add_item(sources);
    source.word("view", model::view_name(sighting.view));
    source.number("pass", sighting.pass);
  }
  List evidence = item.list("evidence");
  for (const auto& sighting : socket.sightings) {
    Item place = add_item(evidence);
    if (sighting.member < snapshot.members.size()) place.bytes("member", snapshot.members[sighting.member]);
    place.number("offset", sighting.offset);
  }
}

}  // namespace

void put_socket_id(Item& item, const Snapshot& snapshot, const model::Socket& socket) {
  if (socket.netns < snapshot.namespaces.size() && snapshot.namespaces[socket.netns].inode != 0)
    item.number("netns", snapshot.namespaces[socket.netns].inode);
  item.word("family", family_word(socket.family));
  item.word("protocol", protocol_word(socket.family, socket.protocol));
  item.number("inode", socket.inode);
  if (socket.cookie) item.word("cookie", std::to_string(*socket.cookie));
}

namespace {

void put_links(Item& item, const Snapshot& snapshot, const model::Socket& socket) {
  if (socket.links.empty()) return;
  List links = item.list("links");
  for (const auto& link : socket.links) {
    if (link.socket >= snapshot.sockets.size()) continue;
    Item tied = add_item(links);
    tied.word("tie", model::tie_name(link.tie));
    tied.word("certainty", model::certainty_name(link.certainty));
    put_socket_id(tied, snapshot, snapshot.sockets[link.socket]);
  }
}

}  // namespace

void fill_socket(Item item, const Snapshot& snapshot, const model::Socket& socket) {
  Item netns = item.item("netns");
  if (socket.netns < snapshot.namespaces.size()) {
    const auto& where = snapshot.namespaces[socket.netns];
    if (where.inode != 0) netns.number("inode", where.inode);
    netns.bytes_unless_empty("name", where.name);
    netns.flag_if_set("unknown", where.unknown);
  }
  item.word("family", family_word(socket.family));
  item.number("family_number", socket.family);
  item.word("protocol", protocol_word(socket.family, socket.protocol));
  item.number("protocol_number", socket.protocol);
  item.word("state", state_word(socket.state));
  item.number("state_number", socket.state);
  if (socket.presence) item.word("presence", model::presence_name(*socket.presence));
  put_ends(item, snapshot, socket);
  item.number("recv_queue", socket.recv_queue);
  item.number("send_queue", socket.send_queue);
  item.number("inode", socket.inode);
  if (socket.cookie) item.word("cookie", std::to_string(*socket.cookie));
  put_user(item, snapshot, socket.uid);
  if (socket.timer) fill_timer(item.item("timer"), *socket.timer);
  if (socket.details) fill_details(item.item("details"), snapshot, socket);
  List owners = item.list("owners");
  for (const auto& owner : socket.owners) fill_owner(add_item(owners), snapshot, owner);
  if (socket.ownerless_reason) fill_reason(item.item("ownerless_reason"), snapshot, *socket.ownerless_reason);
  const auto [processes, left_out] = model::peer_processes(snapshot, socket);
  List peers = item.list("peer_owners");
  for (const std::uint32_t index : processes) {
    Item peer = add_item(peers);
    put_process_id(peer, snapshot.processes[index]);
    peer.bytes_unless_empty("comm", snapshot.processes[index].comm);
  }
  if (left_out != 0) item.number("peer_owners_left_out", left_out);
  put_links(item, snapshot, socket);
  put_sightings(item, snapshot, socket);
}

namespace {

void fill_pair_end(Item item, const Snapshot& snapshot, const model::Socket& socket) {
  put_socket_id(item, snapshot, socket);
  item.word("state", state_word(socket.state));
  Item local = item.item("local");
  put_local(local, snapshot, socket);
  List owners = item.list("owners");
  const std::size_t told = std::min(socket.owners.size(), kMaxPairOwners);
  for (std::size_t i = 0; i < told; ++i) fill_owner(add_item(owners), snapshot, socket.owners[i]);
  if (told < socket.owners.size()) item.number("owners_left_out", socket.owners.size() - told);
}

void fill_pair(Item item, const Snapshot& snapshot, const Pair& pair) {
  item.word("tie", model::tie_name(pair.tie));
  item.word("certainty", model::certainty_name(pair.certainty));
  item.flag("directed", pair.directed);
  fill_pair_end(item.item("a"), snapshot, snapshot.sockets[pair.a]);
  fill_pair_end(item.item("b"), snapshot, snapshot.sockets[pair.b]);
}

void fill_gap(Item item, const model::Gap& gap) {
  item.word("kind", base::outcome_name(gap.kind));
  item.bytes("source", gap.source);
  item.bytes_unless_empty("member", gap.member);
  item.number("netns", gap.netns);
  item.number("pid", gap.pid);
  item.number("tid", gap.tid);
  if (gap.errno_number != 0) {
    item.number("errno", gap.errno_number);
    const auto name = base::errno_name(gap.errno_number);
    if (!name.empty()) item.word("errno_name", name);
  }
  item.number("count", gap.count);
  item.bytes_unless_empty("detail", gap.detail);
}

void fill_account_line(Item item, const Snapshot& snapshot, const model::AccountLine& line) {
  if (line.netns < snapshot.namespaces.size() && snapshot.namespaces[line.netns].inode != 0)
    item.number("netns", snapshot.namespaces[line.netns].inode);
  item.bytes("table", line.table);
  item.number("dumped", line.dumped);
  item.number("listed", line.listed);
  item.number("both", line.both);
  item.number("counter", line.counter);
  item.number("countable", line.countable);
  item.byte_strings("explained", line.explained);
  item.number("unexplained", line.unexplained);
}

void fill_held(Item item, const model::HeldAccount& held) {
  item.number("inodes", held.inodes);
  item.number("in_tables", held.in_tables);
  item.byte_strings("explained", held.explained);
  item.number("unexplained", held.unexplained);
}

void fill_problem(Item item, const model::MemberProblem& problem) {
  item.bytes_unless_empty("member", problem.member);
  item.number("offset", problem.offset);
  item.bytes("message", problem.message);
}

// Hands the items of a list on in parts: only these are held.
class Writer {
 public:
  Writer(bool lines, const Sink& sink) : lines_(lines), sink_(sink) {}

  template <class Fill>
  void write(std::string_view type, const Fill& fill) {
    add(out_, type, fill);
  }
  template <class Range, class Fill>
  void write_list(std::string_view type, std::string_view key, const Range& range, Fill&& fill) {
    if (!lines_) text() += ",\n\"" + std::string(key) + "\": ";
    write_items(type, range, fill);
  }
  template <class Range, class Fill>
  void write_items(std::string_view type, const Range& range, Fill&& fill) {
    if (!lines_) text() += '[';
    finish();
    write_parts(type, range.size(), [&](Item& item, std::size_t i) { fill(item, range[i]); });
    if (!lines_) text() += range.empty() ? "]" : "\n]";
  }

  std::string& text() { return out_.text(); }
  void finish() {
    sink_(text());
    text().clear();
  }

 private:
  void write_parts(std::string_view type, std::size_t count, const std::function<void(Item&, std::size_t)>& fill) const {
    const auto make = [&](std::size_t begin, std::size_t end) {
      JsonText out;
      for (std::size_t i = begin; i < end; ++i) {
        if (!lines_) out.text() += i == 0 ? "\n" : ",\n";
        add(out, type, [&](Item& item) { fill(item, i); });
      }
      return std::move(out.text());
    };
    in_order(count, make, sink_);
  }
  template <class Fill>
  void add(JsonText& out, std::string_view type, const Fill& fill) const {
    Item item(out);
    if (lines_) item.word("type", type);
    fill(item);
    out.close_all();
    if (lines_) out.text() += '\n';
  }

  bool lines_;
  const Sink& sink_;
  JsonText out_;
};

void render(const Rows& rows, bool pairs, bool lines, const std::vector<std::string>& fields, const model::Findings* findings,
            const Sink& sink) {
  const Snapshot& snapshot = rows.snapshot;
  Writer writer(lines, sink);
  if (!lines) writer.text() += "{\n\"host\": ";
  writer.write("host", [&](Item& item) { fill_host(item, snapshot.host); });
  if (!lines) writer.text() += ",\n\"capture\": ";
  writer.write("capture", [&](Item& item) { fill_capture(item, snapshot.capture); });
  writer.write_list("namespace", "namespaces", snapshot.namespaces,
                    [](Item& item, const model::Namespace& netns) { fill_namespace(item, netns); });
  const auto parents = parents_of(snapshot);
  writer.write_list("process", "processes", snapshot.processes, [&](Item& item, const model::Process& process) {
    fill_process(item, snapshot, static_cast<std::uint32_t>(&process - snapshot.processes.data()), parents);
  });
  writer.write_list("socket", "sockets", rows.sockets,
                    [&](Item& item, const model::Socket* socket) {
                      if (fields.empty()) return fill_socket(item, snapshot, *socket);
                      item.add_all(only_fields(socket_object(snapshot, *socket), fields));
                    });
  if (pairs)
    writer.write_list("pair", "pairs", find_pairs(rows),
                      [&](Item& item, const Pair& pair) { fill_pair(item, snapshot, pair); });
  if (findings != nullptr) {
    writer.write_list("finding", "findings", findings->findings,
                      [&](Item& item, const model::Finding& finding) { fill_finding(item, snapshot, finding); });
    writer.write_list("rule", "rules", findings->checked,
                      [&](Item& item, std::string_view id) { fill_rule(item, *findings, id); });
  }
  writer.write_list("gap", "gaps", snapshot.gaps,
                    [](Item& item, const model::Gap& gap) { fill_gap(item, gap); });
  writer.write_list("problem", "problems", snapshot.problems,
                    [](Item& item, const model::MemberProblem& problem) { fill_problem(item, problem); });
  if (!lines) writer.text() += ",\n\"account\": {\n\"tables\": ";
  writer.write_items("account", snapshot.account, [&](Item& item, const model::AccountLine& line) {
    fill_account_line(item, snapshot, line);
  });
  if (!lines) writer.text() += ",\n\"held\": ";
  writer.write("held", [&](Item& item) { fill_held(item, snapshot.held); });
  if (!lines) writer.text() += "\n}\n}\n";
  writer.finish();
}

}  // namespace

json::object socket_object(const Snapshot& snapshot, const model::Socket& socket) {
  JsonText out;
  fill_socket(Item(out), snapshot, socket);
  out.close_all();
  return std::move(json::parse(out.text()).as_object());
}

void render_json(const Rows& rows, bool pairs, const std::vector<std::string>& fields, const model::Findings* findings,
                 const Sink& sink) {
  render(rows, pairs, false, fields, findings, sink);
}
std::string render_json(const Rows& rows, bool pairs, const std::vector<std::string>& fields, const model::Findings* findings) {
  return collect([&](const Sink& sink) { render_json(rows, pairs, fields, findings, sink); });
}
void render_ndjson(const Rows& rows, bool pairs, const std::vector<std::string>& fields, const model::Findings* findings,
                   const Sink& sink) {
  render(rows, pairs, true, fields, findings, sink);
}
std::string render_ndjson(const Rows& rows, bool pairs, const std::vector<std::string>& fields, const model::Findings* findings) {
  return collect([&](const Sink& sink) { render_ndjson(rows, pairs, fields, findings, sink); });
}

}  // namespace ssnap::render
