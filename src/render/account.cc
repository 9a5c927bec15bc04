#include "render/account.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <vector>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::AccountLine;
using model::Snapshot;

// A host may have thousands of namespaces; the JSON has them all.
constexpr std::size_t kMaxNamespacesShown = 20;

bool balances(const AccountLine& line) { return line.unexplained == 0 && line.explained.empty(); }

// One view alone proves nothing.
bool can_be_compared(const AccountLine& line) { return (line.dumped && line.listed) || line.counter; }

std::uint64_t size_of(const AccountLine& line) {
  return std::max(line.dumped.value_or(0), line.listed.value_or(0));
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

// "unix: 40 dumped, 42 listed, 40 in both, the kernel counts 42 (42 expected)".
std::string views_text(const AccountLine& line) {
  std::vector<std::string> parts;
  parts.push_back(line.dumped ? std::to_string(*line.dumped) + " dumped" : "not dumped");
  parts.push_back(line.listed ? std::to_string(*line.listed) + " listed" : "not listed");
  if (line.dumped && line.listed) parts.push_back(std::to_string(line.both) + " in both");
  if (line.counter) {
    std::string counted = "the kernel counts " + std::to_string(*line.counter);
    if (line.countable) counted += " of " + std::to_string(*line.countable) + " here";
    parts.push_back(std::move(counted));
  }
  return escape_terminal(line.table) + ": " + joined(parts, ", ");
}

std::string reasons_text(const std::vector<std::string>& explained) {
  std::string out;
  for (const auto& reason : explained) out += "; " + escape_terminal(reason);
  return out;
}

// "12 tables balance: tcp 3, udp 2, 10 empty".
std::string balance_text(const std::vector<const AccountLine*>& lines) {
  // What has one view alone, and rows in it, can't balance.
  std::vector<std::string> parts, alone;
  std::uint64_t tables = 0, empty = 0;
  for (const auto* line : lines) {
    if (!balances(*line)) continue;
    const std::string text = escape_terminal(line->table) + ' ' + std::to_string(size_of(*line));
    if (size_of(*line) != 0 && !can_be_compared(*line)) {
      alone.push_back(text);
      continue;
    }
    ++tables;
    if (size_of(*line) == 0)
      ++empty;
    else
      parts.push_back(text);
  }
  if (empty != 0) parts.push_back(std::to_string(empty) + " empty");
  std::string out;
  if (tables != 0) out = count(tables, "table balances", "tables balance") + ": " + joined(parts, ", ");
  if (!alone.empty()) out += (out.empty() ? "" : "; ") + std::string("one view only: ") + joined(alone, ", ");
  return out;
}

struct NamespaceAccount {
  std::uint32_t netns = 0;
  bool own = false;
  std::vector<const AccountLine*> lines;
  std::uint64_t unexplained = 0;
  std::uint64_t explained = 0;  // tables with reasons
};

// Its own first, then those with something unexplained, with something explained, and the others as they come.
std::vector<NamespaceAccount> by_namespace(const Snapshot& snapshot) {
  std::map<std::uint32_t, NamespaceAccount> found;
  for (const auto& line : snapshot.account) {
    NamespaceAccount& account = found[line.netns];
    account.netns = line.netns;
    account.own = line.netns < snapshot.namespaces.size() && snapshot.namespaces[line.netns].own;
    account.lines.push_back(&line);
    account.unexplained += line.unexplained;
    if (!line.explained.empty()) ++account.explained;
  }
  std::vector<NamespaceAccount> out;
  for (auto& [netns, account] : found) out.push_back(std::move(account));
  const auto rank = [](const NamespaceAccount& account) {
    return account.own ? 0 : account.unexplained != 0 ? 1 : account.explained != 0 ? 2 : 3;
  };
  std::stable_sort(out.begin(), out.end(), [&](const NamespaceAccount& a, const NamespaceAccount& b) {
    return rank(a) < rank(b);
  });
  return out;
}

void append_namespace(std::string& out, const Snapshot& snapshot, const NamespaceAccount& account) {
  out += "  " + namespace_word(snapshot, account.netns);
  if (account.netns < snapshot.namespaces.size()) {
    const auto& where = snapshot.namespaces[account.netns];
    const bool inode_said = where.name.empty() && !where.own;
    if (where.inode != 0 && !inode_said) out += " (" + std::to_string(where.inode) + ')';
  }
  out += '\n';
  if (const auto text = balance_text(account.lines); !text.empty()) out += "    " + text + '\n';
  for (const auto* line : account.lines)
    if (line->unexplained == 0 && !line->explained.empty())
      out += "    " + views_text(*line) + reasons_text(line->explained) + '\n';
  for (const auto* line : account.lines)
    if (line->unexplained != 0)
      out += "    UNEXPLAINED " + std::to_string(line->unexplained) + ": " + views_text(*line) +
             reasons_text(line->explained) + '\n';
}

void append_rest(std::string& out, const std::vector<NamespaceAccount>& all, std::size_t from) {
  std::uint64_t tables = 0, explained = 0, unexplained = 0;
  for (std::size_t i = from; i < all.size(); ++i) {
    tables += all[i].lines.size();
    explained += all[i].explained;
    unexplained += all[i].unexplained;
  }
  out += "  and " + count(all.size() - from, "more namespace") + " with " + count(tables, "table") + ": ";
  if (unexplained != 0)
    out += "UNEXPLAINED " + std::to_string(unexplained);
  else
    out += explained == 0 ? "all balance" : "differences in " + std::to_string(explained) + ", all explained";
  out += "; each in --format json\n";
}

// Where a table's two views are asked for: the name of its dump in the archive, "" where netlink has none, and whether
// /proc/net has a file of it.
struct TableSource {
  std::string_view table, dump;
  bool in_proc_net;
  bool in_account_once = false;  // /proc/net's rows are of another kind, and are not held against a dump
};
constexpr TableSource kTableSources[] = {
    {"tcp", "inet_diag-tcp", true},         {"tcp6", "inet_diag-tcp", true},
    {"udp", "inet_diag-udp4", true},        {"udp6", "inet_diag-udp6", true},
    {"udplite", "inet_diag-udplite4", true}, {"udplite6", "inet_diag-udplite6", true},
    {"raw", "inet_diag-raw4", true},        {"raw6", "inet_diag-raw6", true},
    {"icmp", "", true},                     {"icmp6", "", true},
    {"sctp", "inet_diag-sctp4", true, true}, {"sctp6", "inet_diag-sctp6", true, true},
    {"dccp", "inet_diag-dccp4", false},     {"dccp6", "inet_diag-dccp6", false},
    {"mptcp", "inet_diag-mptcp4", false},   {"mptcp6", "inet_diag-mptcp6", false},
    {"unix", "unix_diag", true},            {"packet", "packet_diag", true},
    {"netlink", "netlink_diag", true},      {"vsock", "vsock_diag", false},
    {"xdp", "xdp_diag", false},             {"tipc", "tipc_diag", false},
    {"smc", "smc_diag", false},
};

// `name` in `text` as a whole: "inet_diag-udp4" is not in "inet_diag-udp46".
bool names(std::string_view text, std::string_view name) {
  const auto part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; };
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || !part(text[at - 1])) && (end == text.size() || !part(text[end]))) return true;
  }
  return false;
}

std::string why(const model::Gap& gap) {
  std::string out = gap.kind == base::OutcomeKind::not_loaded ? "not loaded" : std::string(base::outcome_name(gap.kind));
  if (gap.errno_number == 0) return out;
  const auto name = base::errno_name(gap.errno_number);
  return out + " (" + (name.empty() ? "errno " + std::to_string(gap.errno_number) : std::string(name)) + ')';
}

// Why a table of the host's own namespace lacks its dump or its file; "" where nothing says so.
std::string dump_gap(const Snapshot& snapshot, std::uint64_t own, std::string_view dump) {
  for (const auto& gap : snapshot.gaps)
    if ((!gap.netns || *gap.netns == own) && (names(gap.detail, dump) || names(gap.member, dump))) return why(gap);
  return "";
}

std::string file_gap(const Snapshot& snapshot, std::uint64_t own, std::string_view table) {
  const std::string file = "net/" + std::string(table);
  for (const auto& gap : snapshot.gaps)
    if ((!gap.netns || *gap.netns == own) && gap.member.ends_with(file)) return why(gap);
  return "";
}

// "netlink and /proc/net", "/proc/net only; netlink: not loaded"; "" where nothing is known of the table.
std::string origin_text(const Snapshot& snapshot, std::uint64_t own, const TableSource& source,
                        const AccountLine* line) {
  const bool dumped = line != nullptr && line->dumped, listed = line != nullptr && line->listed;
  if (dumped && listed) return "netlink and /proc/net";
  const std::string dump = dumped || source.dump.empty() ? "" : dump_gap(snapshot, own, source.dump);
  if (!dumped && !listed && dump.empty()) return "";
  std::string out = dumped ? "netlink only" : listed ? "/proc/net only" : "nowhere";
  if (!dumped) out += source.dump.empty() ? "; netlink has no such table" : "; netlink: " + (dump.empty() ? std::string("not asked") : dump);
  if (dumped && source.in_account_once) return "netlink, and /proc/net, which is not held against it";
  if (!listed) {
    const std::string file = file_gap(snapshot, own, source.table);
    out += !source.in_proc_net ? "; /proc/net has no such file" : "; /proc/net: " + (file.empty() ? std::string("no file") : file);
  }
  return out;
}

void append_origins(std::string& out, const Snapshot& snapshot) {
  const auto own = std::find_if(snapshot.namespaces.begin(), snapshot.namespaces.end(),
                                [](const model::Namespace& netns) { return netns.own; });
  if (own == snapshot.namespaces.end()) return;
  const auto index = static_cast<std::uint32_t>(own - snapshot.namespaces.begin());
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;
  const auto add = [&](const TableSource& source, const AccountLine* line) {
    std::string origin = origin_text(snapshot, own->inode, source, line);
    if (origin.empty()) return;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == origin; });
    auto& group = same == groups.end() ? groups.emplace_back(std::move(origin), std::vector<std::string>()) : *same;
    group.second.push_back(escape_terminal(source.table));
  };
  for (const auto& source : kTableSources) {
    const auto line = std::find_if(snapshot.account.begin(), snapshot.account.end(), [&](const AccountLine& candidate) {
      return candidate.netns == index && candidate.table == source.table;
    });
    add(source, line == snapshot.account.end() ? nullptr : &*line);
  }
  // A table that is not in ours.
  for (const auto& line : snapshot.account) {
    const bool known = std::any_of(std::begin(kTableSources), std::end(kTableSources),
                                   [&](const TableSource& source) { return source.table == line.table; });
    if (line.netns == index && !known) add({line.table, "", false}, &line);
  }
  if (groups.empty()) return;
  out += "\nWhere the tables of the host's own namespace came from\n";
  for (const auto& [origin, tables] : groups) out += "  " + origin + ": " + joined(tables, ", ") + '\n';
}

}  // namespace

void append_account(std::string& out, const Snapshot& snapshot) {
  if (!snapshot.account.empty()) {
    const auto all = by_namespace(snapshot);
    std::uint64_t unexplained = 0;
    for (const auto& account : all) unexplained += account.unexplained;
    out += "\nAccount: each table's dump against its file and against the kernel's counters: ";
    const bool compared = std::any_of(snapshot.account.begin(), snapshot.account.end(), can_be_compared);
    if (unexplained != 0) out += "UNEXPLAINED " + std::to_string(unexplained);
    else out += compared ? "it balances" : "nothing to compare, only one view was read";
    out += '\n';
    const std::size_t shown = std::min(all.size(), kMaxNamespacesShown);
    for (std::size_t i = 0; i < shown; ++i) append_namespace(out, snapshot, all[i]);
    if (shown < all.size()) append_rest(out, all, shown);
  }
  const auto& held = snapshot.held;
  if (!snapshot.account.empty() || held.inodes != 0) {
    out += "\nHeld sockets: " + std::to_string(held.inodes) + " in fd tables, " + std::to_string(held.in_tables) +
           " of them in tables" + reasons_text(held.explained);
    if (held.unexplained != 0) out += "; UNEXPLAINED " + std::to_string(held.unexplained);
    out += '\n';
  }
  append_origins(out, snapshot);
}

}  // namespace ssnap::render
