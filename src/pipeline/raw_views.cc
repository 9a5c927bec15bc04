#include "pipeline/raw_views.h"

#include <algorithm>
#include <optional>

#include "archive/journal.h"
#include "base/text_cursor.h"
#include "decode/dirents.h"
#include "decode/socket_inodes.h"
#include "decode/structure.h"

namespace ssnap::pipeline {
namespace {

using reconstruct::RawViews;

constexpr std::string_view kFolder = "process-views/";

// What lies behind the part of a stretched entry that its name needs.
std::string swallowed_name(std::string_view bytes, const decode::Dirent& entry, base::ByteOrder order) {
  constexpr std::size_t kHeaderBytes = 19, kAlignment = 8;
  const std::size_t needed = (kHeaderBytes + entry.name.size() + 1 + kAlignment - 1) / kAlignment * kAlignment;
  if (entry.record_bytes <= needed) return "";
  const auto behind = decode::decode_dirents(bytes.substr(entry.offset + needed, entry.record_bytes - needed), order);
  return behind.rows.empty() ? "" : std::string(behind.rows.front().name);
}

void add_listing(Replay& replay, std::string_view name, const archive::Member& member, int pass) {
  const auto decoded = decode::decode_dirents(member.bytes, replay.byte_order);
  reconstruct::ProcListing listing;
  listing.member = name;
  listing.pass = pass;
  listing.mounted = name.ends_with("-mounted");
  listing.whole = !member.cut && decoded.problems.empty();
  for (const decode::Dirent& entry : decoded.rows) {
    if (entry.name == "." || entry.name == "..") continue;
    const auto pid = base::parse_integer<std::int64_t>(entry.name);
    if (pid && *pid > 0) {
      listing.pids.push_back(*pid);
    } else {
      listing.folders += entry.type == decode::kDirentDirectory;
      listing.fixed += entry.name != "self" && entry.name != "thread-self";
    }
    if (!entry.canonical)
      listing.stretched.push_back({std::string(entry.name), entry.offset, entry.record_bytes, swallowed_name(member.bytes, entry, replay.byte_order)});
  }
  std::sort(listing.pids.begin(), listing.pids.end());
  replay.records.raw.listings.push_back(std::move(listing));
}

// process-views/pass1/dirents, dirents-mounted, counts; process-views/probe, probe-dirents
void add_process_view(Replay& replay, std::string_view name, const archive::Member& member) {
  std::string_view rest = name.substr(kFolder.size());
  int pass = 0;
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    if (!rest.starts_with("pass")) return;
    pass = base::parse_integer<std::uint8_t>(rest.substr(4, slash - 4)).value_or(0);
    rest.remove_prefix(slash + 1);
  }
  RawViews& raw = replay.records.raw;
  base::Problems problems;
  if (rest == "dirents" || rest == "dirents-mounted" || rest == "probe-dirents") {
    add_listing(replay, name, member, pass);
  } else if (rest == "counts") {
    raw.counts.emplace_back(pass, decode::decode_process_counts(member.bytes));
    problems = raw.counts.back().second.problems;
  } else if (rest == "probe") {
    raw.probe = decode::decode_process_probe(member.bytes);
    problems = raw.probe->problems;
  }
  for (const auto& problem : problems.kept) replay.records.problems.push_back({std::string(name), problem.offset, problem.message});
}

void add_structure(RawViews& raw, std::string_view name, const base::Problems& problems) {
  ++raw.tables_checked;
  if (problems.empty()) return;
  const auto& first = problems.kept.front();
  raw.structure.push_back({std::string(name), first.offset, first.message, problems.total - 1});
}

void add_journal(RawViews& raw, const archive::Member& member) {
  for (const auto& entry : archive::parse_journal(member.bytes).entries) {
    if (entry.source == "process_views" && !entry.member.empty()) raw.times[entry.member] = {entry.begin_nsec, entry.end_nsec};
    if (entry.source != "confirm") continue;
    raw.compared = entry.outcome != base::OutcomeKind::cut;
    raw.all_again = entry.outcome == base::OutcomeKind::ok;
  }
}

// Where a member belongs: netns/INODE/proc/net/tcp, netns/INODE/netlink/pass1/unix_diag.pcap,
// netns/INODE/confirm/round1/tcp, .../before/sockstat, .../after/sockstat.
struct Place {
  std::uint64_t netns = 0;
  std::string_view folder;  // "before", "after", "passN"; "" else
  std::string_view name;    // without .pcap
  bool is_dump = false;
  int round = 0;            // 0: not looked at again
};

std::optional<Place> place_of(std::string_view name) {
  constexpr std::string_view kStart = "netns/", kConfirm = "confirm/round", kListing = "proc/net/", kDumps = "netlink/", kDump = ".pcap";
  if (!name.starts_with(kStart)) return {};
  name.remove_prefix(kStart.size());
  const auto take = [&](std::string_view& word) {
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return false;
    word = name.substr(0, slash);
    name.remove_prefix(slash + 1);
    return true;
  };
  Place place;
  std::string_view word;
  if (!take(word)) return {};
  const auto netns = base::parse_integer<std::uint64_t>(word);
  if (!netns) return {};
  place.netns = *netns;
  if (name.starts_with(kConfirm)) {
    name.remove_prefix(kConfirm.size());
    if (!take(word)) return {};
    place.round = base::parse_integer<std::uint8_t>(word).value_or(0);
    if (place.round == 0) return {};
    take(place.folder);
  } else if (name.starts_with(kDumps)) {
    name.remove_prefix(kDumps.size());
    if (!take(place.folder)) return {};
  } else if (name.starts_with(kListing)) {
    name.remove_prefix(kListing.size());
  } else {
    return {};
  }
  place.is_dump = name.ends_with(kDump);
  place.name = place.is_dump ? name.substr(0, name.size() - kDump.size()) : name;
  if (place.name.find('/') != std::string_view::npos) return {};
  return place;
}

std::vector<std::uint32_t> inodes_of_listing(std::string_view bytes, const decode::InodeTable& table, std::uint64_t& rows) {
  decode::InodeColumn column(table);
  column.look(bytes);
  std::vector<std::uint32_t> inodes;
  for (const auto& row : column.take()) inodes.push_back(row.inode);
  std::sort(inodes.begin(), inodes.end());
  inodes.erase(std::unique(inodes.begin(), inodes.end()), inodes.end());
  rows = column.counted_rows();
  return inodes;
}

void add_look(RawViews& raw, std::string_view name, const archive::Member& member) {
  const auto place = place_of(name);
  if (!place || member.cut) return;
  for (const decode::InodeTable& table : decode::inode_tables()) {
    const bool is_listing = !place->is_dump && place->name == table.file;
    const bool is_counter = !place->is_dump && !table.counter.empty() && place->name == table.counter_file;
    if (!is_listing && !is_counter && !(place->is_dump && place->name == table.dump)) continue;
    auto& looks = raw.tables[{place->netns, std::string(table.file)}];
    // Of a pass after the second: a look for sockets that only fd tables showed.
    if (place->round == 0 && place->is_dump && place->folder != "pass1" && place->folder != "pass2") continue;
    auto& look = place->round == 0 ? looks.first : looks.rounds[place->round];
    if (is_counter) {
      (place->folder == "after" ? look.counter_after : look.counter_before) = decode::find_counter(member.bytes, table.counter);
    } else if (is_listing) {
      look.listed = inodes_of_listing(member.bytes, table, look.rows);
      look.listing = name;
    } else {
      auto inodes = decode::inodes_of_dump(member.bytes, table);
      if (place->folder == "pass2") {
        looks.again = std::move(inodes);
      } else {
        look.dumped = std::move(inodes);
        look.dump = name;
      }
    }
  }
}

}  // namespace

bool is_raw_view(std::string_view name) {
  if (name.starts_with(kFolder)) return true;
  const auto place = place_of(name);
  return place && place->round != 0;
}

void add_raw_view(Replay& replay, std::string_view name, const archive::Member& member) {
  if (name.starts_with(kFolder)) return add_process_view(replay, name, member);
  if (name.starts_with("journal/")) return add_journal(replay.records.raw, member);
  add_look(replay.records.raw, name, member);
  if (name.ends_with("_diag.pcap") || name.find("/inet_diag-") != std::string_view::npos)
    return add_structure(replay.records.raw, name, decode::check_sock_diag_structure(member.bytes));
  if (name.ends_with("/net/tcp") || name.ends_with("/net/tcp6"))
    add_structure(replay.records.raw, name, decode::check_proc_net_tcp_structure(member.bytes, name.ends_with("tcp")));
}

}  // namespace ssnap::pipeline
