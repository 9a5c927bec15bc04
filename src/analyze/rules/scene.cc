#include "analyze/rules/scene.h"

#include <algorithm>

namespace ssnap::analyze {
namespace {

using model::Snapshot;
using model::Socket;
using model::Via;

// Digits of a container's id that its runtime's own listings show.
constexpr std::size_t kShortIdDigits = 12;
// Parents of parents: more there are only in a circle, which a forged ppid makes.
constexpr int kMaxAncestors = 4096;

void put_end(Text& text, const Scene& scene, const Socket& socket, const model::Endpoint& end) {
  if (end.address.length == 0) {
    text << "*";
    return;
  }
  const bool v6 = end.address.is_v6();
  text << (v6 ? "[" : "") << end.address.to_string() << (v6 ? "]" : "");
  if (end.interface_index != 0) text << "%" << scene.interface(socket.netns, end.interface_index);
  if (socket.protocol != model::kProtocolRaw) text << ":" << end.port;
}

void sort_unique(Indexes& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

bool is_holder(const Snapshot& snapshot, const model::Owner& owner) {
  return owner.process < snapshot.processes.size() && owner.certainty != model::Certainty::possible && owner.via != Via::listener;
}

bool is_ip(const Socket& socket) { return socket.family == model::kFamilyInet || socket.family == model::kFamilyInet6; }

bool is_datagram(const Socket& socket) {
  return is_ip(socket) && (socket.protocol == model::kProtocolUdp || socket.protocol == model::kProtocolUdplite);
}

bool is_connected(const Socket& socket) {
  constexpr std::uint32_t kStates = 1u << model::kStateEstab | 1u << model::kStateSynSent | 1u << model::kStateCloseWait | 1u << model::kStateFinWait1 |
                                    1u << model::kStateFinWait2 | 1u << model::kStateClosing | 1u << model::kStateLastAck;
  return is_ip(socket) && socket.protocol != model::kProtocolRaw && socket.state < 32 && (kStates >> socket.state & 1u) != 0;
}

bool is_listener(const Socket& socket) {
  if (!is_ip(socket)) return false;
  return socket.state == model::kStateListen || (is_datagram(socket) && socket.state == model::kStateUnconn && socket.local.port != 0);
}

int compare_peers(const Socket& a, const Socket& b) {
  if (a.netns != b.netns) return a.netns < b.netns ? -1 : 1;
  const auto &x = a.peer.address.unmapped(), &y = b.peer.address.unmapped();
  return x.bytes == y.bytes ? 0 : x.bytes < y.bytes ? -1 : 1;
}

bool is_any(const Socket&) { return true; }

std::optional<std::uint64_t> info_of(const Socket& socket, std::string_view name) {
  if (!socket.details) return std::nullopt;
  for (const auto& field : socket.details->info)
    if (field.name == name) return field.value;
  return std::nullopt;
}

Scene::Scene(const Snapshot& of) : snapshot(of), holdings_(of.processes.size()), parents_(of.processes.size()) {
  for (std::uint32_t i = 0; i < of.sockets.size(); ++i)
    for (const auto& owner : of.sockets[i].owners)
      if (is_holder(of, owner)) holdings_[owner.process].push_back({i, &owner});
  // Sorted by pid: the first of a number is the one that had it first.
  for (std::size_t i = 0; i < of.processes.size(); ++i) {
    const auto ppid = of.processes[i].ppid;
    if (!ppid || *ppid <= 0) continue;
    const auto parent = std::lower_bound(of.processes.begin(), of.processes.end(), *ppid,
                                         [](const model::Process& process, std::int64_t pid) { return process.pid < pid; });
    if (parent != of.processes.end() && parent->pid == *ppid) parents_[i] = static_cast<std::uint32_t>(parent - of.processes.begin());
  }
  plain_copy_ = of.capture.status == "directory" && !of.capture.tool_version;
}

Indexes Scene::held_sockets(std::uint32_t process, bool (*counts)(const Socket&)) const {
  Indexes out;
  for (const auto& holding : holdings_[process])
    if (counts(socket(holding.socket)) && (out.empty() || out.back() != holding.socket)) out.push_back(holding.socket);
  return out;
}

std::pair<std::uint32_t, std::uint32_t> Scene::sockets_in(std::uint32_t netns) const {
  const auto& all = snapshot.sockets;
  const auto first = std::partition_point(all.begin(), all.end(), [&](const Socket& one) { return one.netns < netns; });
  const auto end = std::partition_point(first, all.end(), [&](const Socket& one) { return one.netns == netns; });
  return {static_cast<std::uint32_t>(first - all.begin()), static_cast<std::uint32_t>(end - all.begin())};
}

std::vector<Indexes> Scene::groups(Indexes sockets, int (*compare)(const Socket& a, const Socket& b)) const {
  std::sort(sockets.begin(), sockets.end(), [&](std::uint32_t a, std::uint32_t b) {
    const int order = compare(socket(a), socket(b));
    return order != 0 ? order < 0 : a < b;
  });
  std::vector<Indexes> out;
  for (const auto index : sockets) {
    if (out.empty() || compare(socket(out.back().front()), socket(index)) != 0) out.emplace_back();
    out.back().push_back(index);
  }
  return out;
}

Indexes Scene::holding_processes(std::uint32_t index) const {
  Indexes out;
  for (const auto& owner : socket(index).owners)
    if (is_holder(snapshot, owner) && (out.empty() || out.back() != owner.process)) out.push_back(owner.process);
  return out;
}

bool Scene::descends(std::uint32_t process, std::uint32_t ancestor) const {
  auto at = parents_[process];
  for (int i = 0; at && i < kMaxAncestors; ++i) {
    if (*at == ancestor) return true;
    at = parents_[*at];
  }
  return false;
}

void Scene::put_process(Text& text, std::uint32_t index) const {
  const auto& one = process(index);
  text << (one.comm.empty() ? "?" : std::string_view(one.comm)) << "[" << static_cast<std::uint64_t>(one.pid) << "]";
  if (const auto uid = one.euid ? one.euid : one.uid) {
    text << " of ";
    const auto user = snapshot.users.find(*uid);
    if (user != snapshot.users.end()) text << user->second << " (";
    text << "uid " << *uid << (user != snapshot.users.end() ? ")" : "");
  }
  if (one.container)
    text << ", " << (one.container->runtime.empty() ? "container" : std::string_view(one.container->runtime)) << " "
         << std::string_view(one.container->id).substr(0, kShortIdDigits);
  if (!one.pod_uid.empty()) text << ", pod " << one.pod_uid;
  if (!one.unit.empty()) text << (one.user_unit ? ", user unit " : ", unit ") << one.unit;
}

void Scene::put_processes(Text& text, const Indexes& processes) const {
  for (std::size_t i = 0; i < std::min(processes.size(), kMaxNamed); ++i) {
    if (i != 0) text << "; ";
    put_process(text, processes[i]);
  }
  if (processes.size() > kMaxNamed) text << "; and " << processes.size() - kMaxNamed << " more";
}

std::string Scene::interface(std::uint32_t netns, std::uint32_t index) const {
  if (index == 0) return "every interface";
  const auto found = snapshot.interfaces.find({netns, index});
  return found == snapshot.interfaces.end() ? "interface " + std::to_string(index) : found->second;
}

void Scene::put_socket(Text& text, std::uint32_t index) const {
  const Socket& one = socket(index);
  const bool ip = is_ip(one);
  if (!ip) text << model::family_name(one.family) << " ";
  const auto protocol = model::protocol_name(one.family, one.protocol);
  if (protocol.empty()) text << "protocol " << one.protocol;
  else text << protocol;
  if (one.family == model::kFamilyUnix)
    text << " " << (one.name->kind == model::UnixName::Kind::abstract_name ? "@" : "")
         << (one.name->kind == model::UnixName::Kind::none ? "without a name" : std::string_view(one.name->bytes));
  if (one.family == model::kFamilyPacket || one.family == model::kFamilyXdp) text << " on " << interface(one.netns, one.local.interface_index);
  if (ip) {
    text << " ";
    put_end(text, *this, one, one.local);
    if (one.peer.port != 0 || (one.peer.address.length != 0 && !one.peer.address.is_any())) {
      text << " -> ";
      put_end(text, *this, one, one.peer);
    }
  }
  if (one.netns >= snapshot.namespaces.size() || snapshot.namespaces[one.netns].own) return;
  const auto& netns = snapshot.namespaces[one.netns];
  text << " in ";
  if (!netns.name.empty()) text << netns.name;
  else if (netns.unknown) text << "an unknown namespace";
  else text << "namespace " << netns.inode;
}

void Scene::put_sockets(Text& text, const Indexes& sockets) const {
  put_socket(text, sockets.front());
  if (sockets.size() > 1) text << " and " << sockets.size() - 1 << " more";
}

void Scene::put_holders(Text& text, std::uint32_t index) const {
  const auto processes = holding_processes(index);
  if (!processes.empty()) return put_processes(text, processes);
  text << "nobody";
  const auto& reason = socket(index).ownerless_reason;
  if (!reason) return;
  text << " (" << model::ownerless_name(reason->code);
  if (!reason->detail.empty()) text << ": " << reason->detail;
  text << ")";
}

model::Finding& Scene::report(std::vector<model::Finding>& findings, const Rule& rule, Text& sentence, Indexes sockets, Indexes processes) const {
  auto& out = findings.emplace_back();
  out.id = rule.id;
  out.severity = rule.severity;
  out.sentence = std::move(sentence.bytes);
  sort_unique(sockets);
  sort_unique(processes);
  for (std::size_t i = 0; i < std::min(sockets.size(), kMaxEvidenceSockets); ++i)
    for (const auto& sighting : socket(sockets[i]).sightings) {
      if (sighting.member >= snapshot.members.size()) continue;
      auto& place = out.evidence.emplace_back();
      place.member = snapshot.members[sighting.member];
      place.offset = sighting.offset;
      place.part = model::view_name(sighting.view);
    }
  out.sockets = std::move(sockets);
  out.processes = std::move(processes);
  return out;
}

model::Finding& Scene::report(std::vector<model::Finding>& findings, const Rule& rule, Text& sentence, std::uint32_t index) const {
  return report(findings, rule, sentence, {index}, holding_processes(index));
}

void Scene::add_evidence(model::Finding& finding, std::uint32_t index, std::string_view file, std::string_view part) const {
  const auto& one = process(index);
  Text member;
  member << "proc/" << static_cast<std::uint64_t>(one.pid) << "/";
  if (index > 0 && process(index - 1).pid == one.pid) member << "reused/";
  // What a leader that has exited no longer has.
  if (one.living_thread && file != "stat") member << "task/" << static_cast<std::uint64_t>(*one.living_thread) << "/";
  auto& place = finding.evidence.emplace_back();
  if (!plain_copy_ || part.empty()) {
    member << file;
    place.part = part;
  } else {
    member << (file == "fds" ? "fd/" : "") << part;
  }
  place.member = std::move(member.bytes);
}

}  // namespace ssnap::analyze
