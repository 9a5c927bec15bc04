// --as ss --explain: where ss's answer falls short of the evidence.
#include <algorithm>
#include <vector>

#include "render/escape.h"
#include "render/ss_parts.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Socket;

// Whether a table that ss was told to show is this socket's.
bool in_tables(const SsSelection& selection, const Socket& socket) {
  const auto wants = [&](std::uint32_t tables) { return (selection.tables() & tables) != 0; };
  if (!selection.shows_family(socket.family) && socket.family != model::kFamilySmc) return false;
  switch (socket.family) {
    case model::kFamilyUnix: return wants(analyze::kUnix);
    case model::kFamilyPacket: return wants(analyze::kPacket);
    case model::kFamilyNetlink: return wants(analyze::kNetlink);
    case model::kFamilyVsock: return wants(analyze::kVsock);
    case model::kFamilyXdp: return wants(analyze::kXdp);
    case model::kFamilyTipc: return wants(analyze::kTipc);
    case model::kFamilySmc: return wants(analyze::kTcp);
    default: break;
  }
  switch (socket.protocol) {
    case model::kProtocolTcp: return wants(analyze::kTcp);
    case model::kProtocolUdp:
    case model::kProtocolUdplite: return wants(analyze::kUdp);
    case model::kProtocolRaw:
    case model::kProtocolIcmp:
    case model::kProtocolIcmp6: return wants(analyze::kRaw);
    case model::kProtocolSctp: return wants(analyze::kSctp);
    case model::kProtocolDccp: return wants(analyze::kDccp);
    case model::kProtocolMptcp: return wants(analyze::kMptcp);
    default: return false;
  }
}

// Why ss has no row for a socket, whatever its state. The rows of this table are in the order in which they are tried.
struct Blindness {
  bool (*applies)(const Socket&);
  std::string_view why;  // after "ss can't show 3 sockets"
};
constexpr Blindness kBlindnesses[] = {
    {[](const Socket& s) { return s.state == model::kStateBoundInactive; },
     " bound but neither listening nor connected: it doesn't know of the state"},
    {[](const Socket& s) { return is_ip(s) && s.protocol == model::kProtocolUdplite; },
     " of UDP-Lite: it never asks for that table"},
    {[](const Socket& s) { return is_ip(s) && (s.protocol == model::kProtocolIcmp || s.protocol == model::kProtocolIcmp6); },
     " of ping (ICMP datagrams): netlink has no table of them"},
    {[](const Socket& s) { return s.family == model::kFamilySmc; }, " of SMC: it never asks for that table"},
    {[](const Socket& s) { return s.family == model::kFamilyUnix && !s.inode; },
     " in a listener's queue: netlink leaves UNIX connections out until they are accepted"},
    {[](const Socket&) { return true; }, " without a row in the first dump"},
};

}  // namespace

void ss_explain_row(SsView& view, const Socket* socket) {
  if (socket == nullptr) return;
  const auto note = [&](const std::string& sentence) { view.columns.note("  └ " + sentence); };
  if (!view.options.processes && !view.options.threads) return;
  if (socket->family == model::kFamilyNetlink && !socket->owners.empty()) {
    std::vector<const model::Owner*> all;
    for (const auto& owner : socket->owners) all.push_back(&owner);
    note("ss shows no process of netlink sockets: " + holders_phrase(view.snapshot, all, false));
    return;
  }
  std::vector<const model::Owner*> later, other_way;
  bool any = false;
  for (const auto& owner : socket->owners) {
    if (ss_sees(owner)) any = true;
    else if (owner.via == model::Via::fd && owner.certainty == model::Certainty::certain) later.push_back(&owner);
    else if (!view.options.threads || owner.via != model::Via::thread_fd) other_way.push_back(&owner);
  }
  if (!later.empty()) note("ss looks for owners before it reads the sockets: " + holders_phrase(view.snapshot, later, any));
  if (!other_way.empty()) note("ss reads the fd tables of processes only: " + holders_phrase(view.snapshot, other_way, any));
  if (!any && later.empty() && socket->ownerless_reason)
    note("no process: " + std::string(model::ownerless_name(socket->ownerless_reason->code)) +
         (socket->ownerless_reason->detail.empty() ? std::string()
                                                   : ", " + escape_terminal(socket->ownerless_reason->detail)));
}

std::string ss_explain_whole(const SsView& view) {
  const auto& snapshot = view.snapshot;
  const SsSelection& selection = view.options.selection;
  std::vector<bool> has_row(snapshot.sockets.size());
  for (const auto& row : snapshot.first_dump->rows)
    if (row.socket < has_row.size()) has_row[row.socket] = true;
  std::uint64_t counts[std::size(kBlindnesses)] = {};
  std::uint64_t elsewhere = 0;
  std::vector<bool> other_namespaces(snapshot.namespaces.size());
  for (std::size_t i = 0; i < has_row.size(); ++i) {
    const Socket& socket = snapshot.sockets[i];
    if (!in_tables(selection, socket)) continue;
    if (socket.netns != view.netns) {
      ++elsewhere;
      if (socket.netns < other_namespaces.size()) other_namespaces[socket.netns] = true;
      continue;
    }
    // The state is what ss is blind to here.
    const bool inactive = socket.state == model::kStateBoundInactive;
    if (inactive ? !selection.shows_state(model::kStateUnconn) : has_row[i] || !selection.shows_state(socket.state)) continue;
    for (std::size_t why = 0; why < std::size(kBlindnesses); ++why) {
      if (!kBlindnesses[why].applies(socket)) continue;
      ++counts[why];
      break;
    }
  }
  std::string out;
  for (std::size_t why = 0; why < std::size(kBlindnesses); ++why)
    if (counts[why] != 0) out += "ss can't show " + count(counts[why], "socket") + std::string(kBlindnesses[why].why) + '\n';
  if (view.options.threads)
    out += "ss -T lists every thread of an owner: here stand those with an fd table of their own, beside the process\n";
  const auto spaces = static_cast<std::uint64_t>(std::count(other_namespaces.begin(), other_namespaces.end(), true));
  if (elsewhere != 0)
    out += "ss shows its own network namespace only: " + count(elsewhere, "socket") + " of these tables in " +
           count(spaces, "other namespace") + '\n';
  return out;
}

}  // namespace ssnap::render
