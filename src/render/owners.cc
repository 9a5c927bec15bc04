#include "render/owners.h"

#include <algorithm>
#include <map>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Snapshot;
using model::Socket;

// Digits of a container's id that its runtime's own listings show.
constexpr std::size_t kShortIdDigits = 12;
constexpr std::size_t kIdDigits = 64;
// Holders at the other end of one socket: a server may have as many clients, and each of them as many holders to count.
constexpr std::size_t kMaxPeersCounted = 4096;

// "probable: ancestor-holds, same-fd".
std::string evidence_text(const model::Owner& owner) {
  if (owner.origin == model::Origin::unknown || owner.clues == 0) return "";
  std::string out = std::string(model::certainty_name(owner.origin_certainty)) + ": ";
  if (owner.origin == model::Origin::creator) out.insert(0, "creator, ");
  bool first = true;
  for (std::size_t i = 0; i < model::kClueCount; ++i) {
    const auto clue = static_cast<model::Clue>(i);
    if (!model::has_clue(owner, clue)) continue;
    out += (first ? "" : ", ") + std::string(model::clue_name(clue));
    first = false;
  }
  return out;
}

// What follows the name and the way: ", runs as www-data(33) (executable deleted)".
std::string after_text(const Snapshot& snapshot, const Socket& socket, const model::Owner& owner, bool extended) {
  if (owner.process >= snapshot.processes.size()) return "";
  const auto& process = snapshot.processes[owner.process];
  std::string out, notes = process_notes(process);
  if (extended) {
    const auto uid = process.euid ? process.euid : process.uid;
    if (uid && uid != socket.uid) out += ", runs as " + user_word(snapshot, *uid);
    out += home_text(process);
    if (process.exe_sha256) out += ", sha256 " + escape_terminal(*process.exe_sha256);
    if (const auto evidence = evidence_text(owner); !evidence.empty()) notes += (notes.empty() ? "" : "; ") + evidence;
  }
  return notes.empty() ? out : out + " (" + notes + ')';
}

struct Group {
  std::uint32_t first = 0, last = 0;  // indexes into Snapshot::processes
  std::uint64_t number = 0;
  model::Certainty certainty{};
  std::string how;
};

std::string group_text(const Snapshot& snapshot, const Group& group) {
  return std::string(doubt_word(group.certainty)) +
         (group.number == 1 ? process_label(snapshot, group.first)
                            : alike_label(snapshot, group.first, group.last, group.number)) +
         ' ' + group.how;
}

// Owners in order, those that differ in nothing but the pid together where the first of them stands.
std::vector<Group> group_owners(const Snapshot& snapshot, const Socket& socket, bool extended) {
  std::vector<const model::Owner*> order;
  for (const auto& owner : socket.owners)
    if (owner.origin == model::Origin::creator) order.push_back(&owner);
  for (const auto& owner : socket.owners)
    if (owner.origin != model::Origin::creator) order.push_back(&owner);
  std::vector<Group> groups;
  std::vector<std::size_t> of;  // the group of each owner
  std::map<std::string, std::size_t> alike;
  for (const auto* owner : order) {
    auto how = holding_phrase(snapshot, *owner) + after_text(snapshot, socket, *owner, extended);
    std::size_t at = groups.size();
    // The creator stands alone.
    if (order.size() >= kMinAlike && owner->origin != model::Origin::creator)
      at = alike.try_emplace(std::string(doubt_word(owner->certainty)) + process_name(snapshot, owner->process) + '\n' + how, at)
               .first->second;
    if (at == groups.size()) groups.push_back({owner->process, owner->process, 0, owner->certainty, std::move(how)});
    groups[at].last = owner->process;
    ++groups[at].number;
    of.push_back(at);
  }
  // Two or so are no crowd: each has its own line.
  std::vector<Group> lines;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Group& group = groups[of[i]];
    if (group.number < kMinAlike)
      lines.push_back({order[i]->process, order[i]->process, 1, group.certainty, group.how});
    else if (group.first == order[i]->process)
      lines.push_back(group);
  }
  return lines;
}

}  // namespace

std::vector<CellLine> owner_lines(const Snapshot& snapshot, const Socket& socket, bool extended) {
  std::vector<CellLine> lines;
  if (socket.ownerless_reason)
    lines.push_back({"none: " + reason_text(*socket.ownerless_reason), Tint::dim});
  else if (socket.owners.empty())
    lines.push_back({"none", Tint::dim});
  const auto groups = group_owners(snapshot, socket, extended);
  const std::size_t named = std::min(groups.size(), kMaxNamed);
  for (std::size_t i = 0; i < named; ++i) {
    const auto text = group_text(snapshot, groups[i]);
    lines.push_back({lines.empty() ? text : "└ " + text});
  }
  std::uint64_t more = 0;
  for (std::size_t i = named; i < groups.size(); ++i) more += groups[i].number;
  if (more != 0) lines.push_back({"└ and " + grouped_number(more) + " more; all in --format json", Tint::dim});
  return lines;
}

std::string reason_text(const model::OwnerlessReason& reason) {
  std::string text(model::ownerless_name(reason.code));
  if (!reason.detail.empty()) text += " (" + escape_terminal(reason.detail) + ')';
  return text;
}

std::string home_text(const model::Process& process) {
  std::string out;
  if (process.container) {
    const auto& [runtime, id] = *process.container;
    out += ", " + (runtime.empty() ? std::string("container") : escape_terminal(runtime)) + ' ' +
           escape_terminal(id.size() == kIdDigits ? id.substr(0, kShortIdDigits) : id);
  }
  if (!process.pod_uid.empty()) out += ", pod " + escape_terminal(process.pod_uid);
  if (!process.unit.empty()) out += (process.user_unit ? ", user unit " : ", unit ") + escape_terminal(process.unit);
  return out;
}

std::string peer_processes_text(const Snapshot& snapshot, const Socket& socket) {
  std::vector<std::uint32_t> processes;
  for (const auto& link : socket.links) {
    const bool other_end = link.tie == model::Tie::peer || link.tie == model::Tie::server ||
                           link.tie == model::Tie::client ||
                           (socket.family == model::kFamilyUnix &&
                            (link.tie == model::Tie::listener || link.tie == model::Tie::pending));
    if (!other_end || link.socket >= snapshot.sockets.size()) continue;
    for (const auto& owner : snapshot.sockets[link.socket].owners) {
      if (processes.size() == kMaxPeersCounted) break;
      if (owner.process < snapshot.processes.size()) processes.push_back(owner.process);
    }
  }
  const bool all = processes.size() < kMaxPeersCounted;
  std::sort(processes.begin(), processes.end());
  processes.erase(std::unique(processes.begin(), processes.end()), processes.end());
  if (processes.empty()) return "";
  auto out = process_label(snapshot, processes.front());
  if (!all) return out + " and many more";
  if (processes.size() > 1) out += " and " + grouped_number(processes.size() - 1) + " more";
  return out;
}

}  // namespace ssnap::render
