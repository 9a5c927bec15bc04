#include "analyze/diff_match.h"

#include <algorithm>
#include <map>

namespace ssnap::analyze {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr std::size_t kContainerDigits = 64;

using Keyed = std::vector<std::pair<std::string, std::uint32_t>>;

// "session-12.scope" is "session-#.scope": what numbers in a name count is a matter of the boot.
std::string without_numbers(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) out += c;
    else if (out.empty() || out.back() != '#') out += '#';
  }
  return out;
}

std::string_view without_deleted(std::string_view exe) {
  if (exe.ends_with(kDeleted)) exe.remove_suffix(kDeleted.size());
  return exe;
}

// Which program an interpreter runs, it doesn't tell by its executable.
std::string_view script_of(const model::Process& process) {
  static constexpr std::string_view kInterpreters[] = {"python", "perl", "ruby", "node", "nodejs", "php", "php-cgi", "java", "lua", "luajit", "tclsh",
                                                       "sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "busybox", "mono", "dotnet", "pwsh"};
  if (!process.exe || !process.cmdline) return {};
  std::string_view name = without_deleted(*process.exe);
  name.remove_prefix(name.rfind('/') + 1);
  // python3.11
  while (!name.empty() && ((name.back() >= '0' && name.back() <= '9') || name.back() == '.')) name.remove_suffix(1);
  if (std::find(std::begin(kInterpreters), std::end(kInterpreters), name) == std::end(kInterpreters)) return {};
  for (std::size_t i = 1; i < process.cmdline->size(); ++i)
    if (const std::string& word = (*process.cmdline)[i]; !word.empty() && word[0] != '-') return word;
  return {};
}

Basis basis_of(const model::Host& before, const model::Host& after) {
  if (before.boot_id && after.boot_id && *before.boot_id == *after.boot_id) return Basis::same_boot;
  // Clones have the same machine id, restored hosts the same name: both decide.
  const auto differs = [](const auto& a, const auto& b) { return a && b && *a != *b; };
  if (differs(before.machine_id, after.machine_id) || differs(before.nodename, after.nodename)) return Basis::other_host;
  const bool known = (before.machine_id && after.machine_id) || (before.nodename && after.nodename);
  return known && before.boot_id && after.boot_id ? Basis::other_boot : Basis::unknown;
}

}  // namespace

Unpaired all_of(std::size_t before, std::size_t after) {
  Unpaired all;
  for (const auto& [side, size] : {std::pair{kOld, before}, std::pair{kNew, after}})
    for (std::uint32_t i = 0; i < size; ++i) all[side].push_back(i);
  return all;
}

void pair_up(Unpaired& left, const KeyOf& key_of,
             const std::function<void(std::uint32_t, std::uint32_t)>& on_pair,
             const std::function<void(Side, std::uint32_t)>& on_surplus) {
  std::array<Keyed, 2> keyed;
  Unpaired rest;
  for (const Side side : {kOld, kNew}) {
    for (const std::uint32_t index : left[side]) {
      std::string key = key_of(side, index);
      if (key.empty()) rest[side].push_back(index);
      else keyed[side].emplace_back(std::move(key), index);
    }
    std::sort(keyed[side].begin(), keyed[side].end());
  }
  std::array<std::size_t, 2> at{};
  const auto leave = [&](Side side) { rest[side].push_back(keyed[side][at[side]++].second); };
  const auto has = [&](Side side) { return at[side] < keyed[side].size(); };
  while (has(kOld) && has(kNew)) {
    const std::string& before = keyed[kOld][at[kOld]].first;
    const std::string& after = keyed[kNew][at[kNew]].first;
    if (before != after) {
      leave(before < after ? kOld : kNew);
      continue;
    }
    const std::string key = before;
    const auto in_run = [&](Side side) { return has(side) && keyed[side][at[side]].first == key; };
    while (in_run(kOld) && in_run(kNew)) on_pair(keyed[kOld][at[kOld]++].second, keyed[kNew][at[kNew]++].second);
    for (const Side side : {kOld, kNew})
      while (in_run(side)) {
        if (on_surplus) on_surplus(side, keyed[side][at[side]++].second);
        else leave(side);
      }
  }
  for (const Side side : {kOld, kNew}) {
    while (has(side)) leave(side);
    std::sort(rest[side].begin(), rest[side].end());
  }
  left = std::move(rest);
}

Matching::Matching(const model::Snapshot& before, const model::Snapshot& after)
    : snapshots_{&before, &after}, basis_(basis_of(before.host, after.host)) {
  match_namespaces();
  match_processes();
}

void Matching::match_namespaces() {
  Unpaired left = all_of(of(kOld).namespaces.size(), of(kNew).namespaces.size());
  for (const Side side : {kOld, kNew}) {
    netns_keys_[side].resize(left[side].size());
    other_netns_[side].resize(left[side].size());
    for (const std::uint32_t i : left[side]) netns_keys_[side][i] = std::string(side == kOld ? "-" : "+") + std::to_string(i);
  }
  const auto key_of = [&](Side side, std::uint32_t index) {
    const model::Namespace& netns = of(side).namespaces[index];
    if (netns.unknown) return Key("unknown").take();
    if (same_boot() && netns.inode != 0) return Key("inode").add(netns.inode).take();
    if (netns.own) return Key("own").take();
    return netns.name.empty() ? std::string() : Key("name").add(netns.name).take();
  };
  pair_up(left, key_of, [&](std::uint32_t before, std::uint32_t after) {
    netns_keys_[kOld][before] = netns_keys_[kNew][after] = "=" + std::to_string(before);
    other_netns_[kOld][before] = after;
    other_netns_[kNew][after] = before;
  });
}

void Matching::match_processes() {
  Unpaired left = all_of(of(kOld).processes.size(), of(kNew).processes.size());
  for (const Side side : {kOld, kNew}) {
    other_process_[side].resize(left[side].size());
    for (const model::Process& process : of(side).processes) programs_[side].push_back(program_of(side, process));
    known_programs_[side].insert(programs_[side].begin(), programs_[side].end());
  }
  if (!same_boot()) return;
  const auto key_of = [&](Side side, std::uint32_t index) {
    const model::Process& process = of(side).processes[index];
    Key key("process");
    key.add(static_cast<std::uint64_t>(process.pid));
    // Without its start, the same number and program is the best that there is.
    return (process.start_ticks ? key.add(*process.start_ticks) : key.add(program(side, index))).take();
  };
  pair_up(left, key_of, [&](std::uint32_t before, std::uint32_t after) {
    other_process_[kOld][before] = after;
    other_process_[kNew][after] = before;
  });
}

std::string Matching::program_of(Side side, const model::Process& process) const {
  Key key(process.exe ? without_deleted(*process.exe) : std::string_view());
  key.add(without_numbers(process.comm)).add(script_of(process));
  key.add(process.uid ? user(side, *process.uid) : std::string());
  // A container's id is another one each time it is made.
  const std::string_view id = process.container ? process.container->id : std::string_view();
  const bool is_digest = id.size() == kContainerDigits;
  if (process.container) return key.add(process.container->runtime).add(is_digest && !same_boot() ? std::string_view() : id).take();
  return key.add(without_numbers(process.unit)).take();
}

const std::string& Matching::netns_key(Side side, std::uint32_t netns) const {
  static const std::string kNone;
  return netns < netns_keys_[side].size() ? netns_keys_[side][netns] : kNone;
}

std::optional<std::uint32_t> Matching::other_netns(Side side, std::uint32_t netns) const {
  return netns < other_netns_[side].size() ? other_netns_[side][netns] : std::nullopt;
}

std::optional<std::uint32_t> Matching::other_process(Side side, std::uint32_t process) const {
  return process < other_process_[side].size() ? other_process_[side][process] : std::nullopt;
}

bool Matching::is_collector(Side side, std::uint32_t process) const {
  const model::Capture& capture = of(side).capture;
  const model::Process& candidate = of(side).processes[process];
  if (!capture.collector_pid || candidate.pid != *capture.collector_pid) return false;
  // Where the /proc that was read is of another pid namespace, the number is another process's.
  if (!candidate.cmdline || candidate.cmdline->empty() || capture.arguments.empty()) return true;
  return std::equal(candidate.cmdline->begin() + 1, candidate.cmdline->end(), capture.arguments.begin() + 1, capture.arguments.end());
}

std::string Matching::user(Side side, std::uint32_t uid) const {
  const auto name = of(side).users.find(uid);
  return basis_ == Basis::other_host && name != of(side).users.end() ? name->second : std::to_string(uid);
}

std::string side_word(Side side) { return side == kOld ? "OLD" : "NEW"; }

std::string incomplete_doubt(const model::Snapshot& snapshot, Side side) {
  return snapshot.capture.incomplete ? side_word(side) + " is incomplete" : "";
}

bool left_out(const model::Snapshot& snapshot, std::string_view source) {
  return std::any_of(snapshot.gaps.begin(), snapshot.gaps.end(), [&](const model::Gap& gap) {
    return gap.source == source && (gap.kind == base::OutcomeKind::skipped || base::makes_incomplete(gap.kind));
  });
}

void add_change(std::vector<FieldChange>& fields, std::string_view field, std::string before, std::string after) {
  if (before != after) fields.push_back({field, std::move(before), std::move(after)});
}

}  // namespace ssnap::analyze
