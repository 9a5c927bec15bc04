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

std::string end_text(const Scene& scene, const Socket& socket, const model::Endpoint& end) {
  if (end.address.length == 0) return "*";
  const auto address = end.address.to_string();
  std::string out = end.address.is_v6() ? '[' + address + ']' : address;
  if (end.interface_index != 0) out += '%' + scene.interface(socket.netns, end.interface_index);
  return socket.protocol == model::kProtocolRaw ? out : out + ':' + std::to_string(end.port);
}

std::string name_text(const model::UnixName& name) {
  switch (name.kind) {
    case model::UnixName::Kind::none: break;
    case model::UnixName::Kind::path: return name.bytes;
    case model::UnixName::Kind::abstract_name: return '@' + name.bytes;
  }
  return "without a name";
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
  if (!is_ip(socket) || socket.protocol == model::kProtocolRaw) return false;
  switch (socket.state) {
    case model::kStateEstab:
    case model::kStateSynSent:
    case model::kStateCloseWait:
    case model::kStateFinWait1:
    case model::kStateFinWait2:
    case model::kStateClosing:
    case model::kStateLastAck: return true;
    default: return false;
  }
}

bool is_listener(const Socket& socket) {
  if (!is_ip(socket)) return false;
  return socket.state == model::kStateListen || (is_datagram(socket) && socket.state == model::kStateUnconn && socket.local.port != 0);
}

std::optional<std::uint64_t> info_of(const Socket& socket, std::string_view name) {
  if (!socket.details) return std::nullopt;
  for (const auto& field : socket.details->info)
    if (field.name == name) return field.value;
  return std::nullopt;
}

std::string count(std::uint64_t number, std::string_view singular, std::string_view plural) {
  return std::to_string(number) + ' ' + std::string(number == 1 ? singular : plural);
}
std::string count(std::uint64_t number, std::string_view singular) { return count(number, singular, std::string(singular) + 's'); }

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

std::vector<std::uint32_t> Scene::holding_processes(std::uint32_t index) const {
  std::vector<std::uint32_t> out;
  for (const auto& owner : snapshot.sockets[index].owners)
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

std::string Scene::process(std::uint32_t index) const {
  const auto& one = snapshot.processes[index];
  return (one.comm.empty() ? "?" : one.comm) + '[' + std::to_string(one.pid) + ']';
}

std::string Scene::user(std::uint32_t uid) const {
  const auto found = snapshot.users.find(uid);
  const auto number = "uid " + std::to_string(uid);
  return found == snapshot.users.end() ? number : found->second + " (" + number + ')';
}

std::string Scene::process_at_home(std::uint32_t index) const {
  const auto& one = snapshot.processes[index];
  std::string out = process(index);
  if (const auto uid = one.euid ? one.euid : one.uid) out += " of " + user(*uid);
  if (one.container) {
    const auto& [runtime, id] = *one.container;
    out += ", " + (runtime.empty() ? std::string("container") : runtime) + ' ' + id.substr(0, kShortIdDigits);
  }
  if (!one.pod_uid.empty()) out += ", pod " + one.pod_uid;
  if (!one.unit.empty()) out += (one.user_unit ? ", user unit " : ", unit ") + one.unit;
  return out;
}

std::string Scene::interface(std::uint32_t netns, std::uint32_t index) const {
  if (index == 0) return "every interface";
  const auto found = snapshot.interfaces.find({netns, index});
  return found == snapshot.interfaces.end() ? "interface " + std::to_string(index) : found->second;
}

std::string Scene::socket(std::uint32_t index) const {
  const Socket& one = snapshot.sockets[index];
  const auto protocol = model::protocol_name(one.family, one.protocol);
  std::string out = is_ip(one) ? std::string() : std::string(model::family_name(one.family)) + (protocol.empty() ? "" : " ");
  out += protocol.empty() && is_ip(one) ? "protocol " + std::to_string(one.protocol) : std::string(protocol);
  if (one.family == model::kFamilyUnix) out += ' ' + name_text(one.name);
  if (one.family == model::kFamilyPacket || one.family == model::kFamilyXdp) out += " on " + interface(one.netns, one.local.interface_index);
  if (is_ip(one)) {
    out += ' ' + end_text(*this, one, one.local);
    if (one.peer.port != 0 || !(one.peer.address.length == 0 || one.peer.address.is_any())) out += " -> " + end_text(*this, one, one.peer);
  }
  if (one.netns >= snapshot.namespaces.size() || snapshot.namespaces[one.netns].own) return out;
  const auto& netns = snapshot.namespaces[one.netns];
  return out + " in " + (!netns.name.empty() ? netns.name : netns.unknown ? "an unknown namespace" : "namespace " + std::to_string(netns.inode));
}

std::string Scene::holders(std::uint32_t index) const {
  const Socket& one = snapshot.sockets[index];
  const auto who = holding_processes(index);
  if (who.empty()) {
    if (!one.ownerless_reason) return "nobody";
    return "nobody (" + std::string(model::ownerless_name(one.ownerless_reason->code)) +
           (one.ownerless_reason->detail.empty() ? "" : ": " + one.ownerless_reason->detail) + ')';
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(who.size(), kMaxNamed); ++i) out += (i == 0 ? "" : "; ") + process_at_home(who[i]);
  return who.size() <= kMaxNamed ? out : out + "; and " + std::to_string(who.size() - kMaxNamed) + " more";
}

model::Finding Scene::finding(const Rule& rule, std::string sentence, std::vector<std::uint32_t> sockets,
                              std::vector<std::uint32_t> processes) const {
  model::Finding out;
  out.id = rule.id;
  out.severity = rule.severity;
  out.sentence = std::move(sentence);
  for (auto* list : {&sockets, &processes}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  for (std::size_t i = 0; i < std::min(sockets.size(), kMaxEvidenceSockets); ++i)
    for (const auto& sighting : snapshot.sockets[sockets[i]].sightings)
      if (sighting.member < snapshot.members.size())
        out.evidence.push_back({snapshot.members[sighting.member], sighting.offset, std::string(model::view_name(sighting.view)), {}, {}});
  out.sockets = std::move(sockets);
  out.processes = std::move(processes);
  return out;
}

void Scene::add_evidence(model::Finding& finding, std::uint32_t process, std::string_view file, std::string_view part) const {
  const auto& one = snapshot.processes[process];
  std::string member = "proc/" + std::to_string(one.pid) + '/';
  if (process > 0 && snapshot.processes[process - 1].pid == one.pid) member += "reused/";
  // What a leader that has exited no longer has.
  if (one.living_thread && file != "stat") member += "task/" + std::to_string(*one.living_thread) + '/';
  if (!plain_copy_ || part.empty()) {
    finding.evidence.push_back({member + std::string(file), {}, std::string(part), {}, {}});
    return;
  }
  member += file == "fds" ? "fd/" + std::string(part) : std::string(part);
  finding.evidence.push_back({std::move(member), {}, "", {}, {}});
}

}  // namespace ssnap::analyze
