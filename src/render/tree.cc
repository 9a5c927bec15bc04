#include "render/tree.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/utf8.h"
#include "render/address.h"
#include "render/escape.h"
#include "render/frame.h"
#include "render/kinship.h"
#include "render/layout.h"
#include "render/owners.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Snapshot;
using model::Socket;

constexpr int kHang = 2;
// The least that is left for text beside the lines of a deep tree on a narrow terminal.
constexpr int kMinTextWidth = 24;
constexpr int kDotWidth = 3;  // " · "

// "tcp ESTAB 127.0.0.1:5432 -> 127.0.0.1:51432 (psql[77])".
std::string socket_text(const Snapshot& snapshot, const Socket& socket) {
  std::string out = protocol_text(socket) + ' ' + state_word(socket.state);
  if (const auto local = local_text(snapshot, socket); !local.empty()) out += ' ' + local;
  const auto peer = peer_text(snapshot, socket), who = peer_processes_text(snapshot, socket);
  if (!peer.empty() || !who.empty()) out += " ->";
  if (!peer.empty()) out += ' ' + peer;
  if (!who.empty()) out += " (" + who + ')';
  return out + foreign_mark(snapshot, socket);
}

// What fits: whole characters, and a mark where something was left out.
std::string cut_to(std::string_view escaped, int width) {
  if (display_width(escaped) <= width) return std::string(escaped);
  std::size_t end = 0;
  for (int used = 1; end < escaped.size();) {
    const auto code_point = base::decode_utf8(escaped.substr(end));
    const std::size_t length = code_point ? code_point->length : 1;
    used += display_width(escaped.substr(end, length));
    if (used > width) break;
    end += length;
  }
  return std::string(escaped.substr(0, end)) + "…";
}

std::string command_text(const model::Process& process) {
  if (!process.cmdline) return "";
  std::string bytes;
  for (const auto& argument : *process.cmdline) {
    bytes += (bytes.empty() ? "" : " ") + (argument.empty() ? std::string("''") : argument);
    if (bytes.size() > kMaxCommandBytes) break;
  }
  if (bytes.size() <= kMaxCommandBytes) return escape_terminal(bytes);
  return escape_terminal(bytes.substr(0, kMaxCommandBytes)) + "…";
}

int room_after(const std::string& prefix, const Style& style) {
  return std::max(*style.width - display_width(prefix), kMinTextWidth);
}

void append_wrapped(std::string& out, const std::string& prefix, const std::string& line, const Style& style) {
  const auto room = style.width ? std::optional(room_after(prefix, style)) : std::nullopt;
  for (const auto& part : wrap(line, room, kHang)) out += prefix + part + '\n';
}

void append_rest(std::string& out, const std::string& prefix, std::size_t all, const Style& style) {
  if (all > kMaxTreeSockets)
    append_wrapped(out, prefix, "and " + grouped_number(all - kMaxTreeSockets) + " more; all without --tree", style);
}

// One socket in one process.
struct Holding {
  std::uint32_t socket = 0;
  const model::Owner* owner = nullptr;
};

struct Node {
  std::vector<Holding> holdings;
  std::vector<std::uint32_t> children;  // indexes into Snapshot::processes, ascending
  bool shown = false;
};

// Some lines of the tree: a process or several that are alike.
struct Branch {
  std::uint32_t process = 0, last = 0;
  std::uint64_t number = 1;
};

class Tree {
 public:
  Tree(const Rows& rows, const Style& style)
      : snapshot_(rows.snapshot), style_(style), nodes_(snapshot_.processes.size()), parents_(parents_of(snapshot_)) {
    for (const auto* socket : rows.sockets)
      for (const auto& owner : socket->owners)
        if (owner.process < nodes_.size())
          nodes_[owner.process].holdings.push_back({static_cast<std::uint32_t>(socket - snapshot_.sockets.data()), &owner});
    std::vector<std::uint32_t> roots;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].holdings.empty()) continue;
      for (std::optional<std::uint32_t> at = i; at && !nodes_[*at].shown; at = parents_[*at]) nodes_[*at].shown = true;
    }
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (!nodes_[i].shown) continue;
      ++processes;
      (parents_[i] ? nodes_[*parents_[i]].children : roots).push_back(i);
    }
    roots_ = std::move(roots);
  }

  std::string text;
  std::uint64_t processes = 0;  // shown

  // Without recursion: a chain of parents may be as long as the list of processes.
  void write() {
    struct Level {
      std::vector<Branch> branches;
      std::size_t at = 0;
    };
    std::vector<Level> levels;
    levels.push_back({branches_of(roots_)});
    std::string indent;                 // the lines of the generations above
    std::vector<std::size_t> lengths;   // of `indent`, at each level
    while (!levels.empty()) {
      Level& level = levels.back();
      if (level.at == level.branches.size()) {
        levels.pop_back();
        if (!lengths.empty()) {
          indent.resize(lengths.back());
          lengths.pop_back();
        }
        continue;
      }
      const Branch branch = level.branches[level.at++];
      const bool root = levels.size() == 1, last = level.at == level.branches.size();
      const std::string mark = root ? "" : last ? "└─ " : "├─ ", below = root ? "" : last ? "   " : "│  ";
      const auto& children = nodes_[branch.process].children;
      write_branch(branch, indent, mark, below + (children.empty() ? "  " : "│ "));
      if (children.empty()) continue;
      lengths.push_back(indent.size());
      if (lengths.size() <= kMaxTreeIndent) indent += below;
      levels.push_back({branches_of(children)});
    }
  }

 private:
  // What two processes must have in common to be one line.
  std::string likeness(std::uint32_t process) const {
    std::string out = process_name(snapshot_, process) + '\n' + process_text(process) + '\n' +
                      command_text(snapshot_.processes[process]);
    for (const auto& holding : nodes_[process].holdings)
      out += '\n' + std::to_string(holding.socket) + ' ' + std::string(doubt_word(holding.owner->certainty)) +
             holding_phrase(snapshot_, *holding.owner);
    return out;
  }

  std::vector<Branch> branches_of(const std::vector<std::uint32_t>& family) const {
    std::map<std::string, Branch> alike;
    std::vector<const Branch*> of(family.size());
    if (family.size() >= kMinAlike) {
      for (std::size_t i = 0; i < family.size(); ++i) {
        if (!nodes_[family[i]].children.empty()) continue;
        const auto [at, is_new] = alike.try_emplace(likeness(family[i]), Branch{family[i], family[i], 0});
        at->second.last = family[i];
        ++at->second.number;
        of[i] = &at->second;
      }
    }
    // Those that are alike stand where the first of them does.
    std::vector<Branch> branches;
    for (std::size_t i = 0; i < family.size(); ++i) {
      if (of[i] == nullptr || of[i]->number < kMinAlike)
        branches.push_back({family[i], family[i], 1});
      else if (of[i]->process == family[i])
        branches.push_back(*of[i]);
    }
    return branches;
  }

  // What follows the name: " root(0) (executable deleted)".
  std::string process_text(std::uint32_t index) const {
    const auto& process = snapshot_.processes[index];
    std::string out;
    const auto uid = process.euid ? process.euid : process.uid;
    if (uid) out += ' ' + user_word(snapshot_, *uid);
    auto notes = process_notes(process);
    const auto note = [&](const std::string& one) { notes += (notes.empty() ? "" : ", ") + one; };
    if (process.uid && process.uid != uid) note("real user " + user_word(snapshot_, *process.uid));
    if (const auto home = home_text(process); style_.extended && !home.empty()) note(home.substr(2));
    if (style_.extended && process.exe_sha256) note("sha256 " + escape_terminal(*process.exe_sha256));
    return notes.empty() ? out : out + " (" + notes + ')';
  }

  void write_branch(const Branch& branch, const std::string& indent, const std::string& mark, const std::string& below) {
    const bool one = branch.number == 1;
    const auto name = one ? process_label(snapshot_, branch.process)
                          : alike_label(snapshot_, branch.process, branch.last, branch.number);
    const auto same = one ? std::string() : same_as_parent(branch.process);
    std::string line = name + (same.empty() ? process_text(branch.process) : ": " + same);
    std::string command = same.empty() ? command_text(snapshot_.processes[branch.process]) : "";
    std::string command_line;
    if (!command.empty() && style_.width) {
      // Nothing but a command line is cut.
      const int room = room_after(indent + mark, style_) - display_width(line) - kDotWidth;
      if (room >= std::min(kMinTextWidth, display_width(command)))
        command = cut_to(command, room);
      else
        command_line = cut_to(std::exchange(command, ""), room_after(indent + below, style_));
    }
    if (!command.empty()) line += " · " + command;
    // Wrapped lines stand under the name.
    std::vector<std::string> lines{line};
    if (style_.width) lines = wrap(line, room_after(indent + mark, style_), kHang);
    const bool bold = style_.colour && !nodes_[branch.process].holdings.empty();
    for (std::size_t i = 0; i < lines.size(); ++i)
      text += indent + (i == 0 ? mark : below) + (bold ? "\x1b[1m" : "") + lines[i] + (bold ? "\x1b[0m" : "") + '\n';
    if (!command_line.empty()) text += indent + below + command_line + '\n';
    if (!same.empty()) return;
    const auto& holdings = nodes_[branch.process].holdings;
    for (std::size_t i = 0; i < holdings.size() && i < kMaxTreeSockets; ++i) {
      const auto& [socket, owner] = holdings[i];
      append_wrapped(text, indent + below,
                     socket_text(snapshot_, snapshot_.sockets[socket]) + " · " +
                         std::string(doubt_word(owner->certainty)) + holding_phrase(snapshot_, *owner),
                     style_);
    }
    append_rest(text, indent + below, holdings.size(), style_);
  }

  // "the same 3 sockets as nginx[100], at the same fds, inherited": what its parent holds, all of it inherited from there.
  std::string same_as_parent(std::uint32_t process) const {
    const auto parent = parents_[process];
    if (!parent) return "";
    const auto& own = nodes_[process].holdings;
    const auto& above = nodes_[*parent].holdings;
    const bool same = own.size() == above.size() && !own.empty() &&
                      std::equal(own.begin(), own.end(), above.begin(), [&](const Holding& a, const Holding& b) {
                        const auto& mine = *a.owner;
                        return a.socket == b.socket && mine.via == b.owner->via && mine.fds == b.owner->fds &&
                               mine.certainty == model::Certainty::certain && mine.origin == model::Origin::inherited &&
                               mine.origin_certainty != model::Certainty::possible && mine.from == parent;
                      });
    if (!same) return "";
    return (own.size() == 1 ? std::string("the same socket as ") : "the same " + grouped_number(own.size()) + " sockets as ") +
           process_label(snapshot_, *parent) + " at the same " + (own.size() == 1 ? "fd" : "fds") + ", inherited";
  }

  const Snapshot& snapshot_;
  const Style& style_;
  std::vector<Node> nodes_;
  std::vector<std::optional<std::uint32_t>> parents_;
  std::vector<std::uint32_t> roots_;
};

// Sockets that nobody certainly holds, by reason.
std::string without_owner(const Rows& rows, const Style& style) {
  std::map<model::OwnerlessCode, std::vector<const Socket*>> by_reason;
  for (const auto* socket : rows.sockets) {
    if (socket->ownerless_reason)
      by_reason[socket->ownerless_reason->code].push_back(socket);
    else if (socket->owners.empty())
      by_reason[model::OwnerlessCode::unexplained].push_back(socket);
  }
  std::string out;
  for (const auto& [code, sockets] : by_reason) {
    out += (out.empty() ? "" : "\n") +
           paragraph("No certain owner: " + std::string(model::ownerless_name(code)), style, Tint::bold);
    for (std::size_t i = 0; i < sockets.size() && i < kMaxTreeSockets; ++i) {
      const auto& reason = sockets[i]->ownerless_reason;
      const bool more = reason && !reason->detail.empty();
      append_wrapped(out, "  ",
                     socket_text(rows.snapshot, *sockets[i]) + (more ? " · " + escape_terminal(reason->detail) : ""), style);
    }
    append_rest(out, "  ", sockets.size(), style);
  }
  return out;
}

}  // namespace

std::string render_tree(const Rows& rows, const Style& style) {
  Tree tree(rows, style);
  tree.write();
  std::string out = head(rows, style) + tree.text;
  const auto ownerless = without_owner(rows, style);
  if (!ownerless.empty() && !tree.text.empty()) out += '\n';
  out += ownerless;
  return out + foot(rows, style, !tree.text.empty() || !ownerless.empty());
}

}  // namespace ssnap::render
