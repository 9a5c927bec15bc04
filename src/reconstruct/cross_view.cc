// Socket tables against each other, the kernel's counters and the fd tables; and the raw bytes against the rules that the
// kernel's own code keeps.
#include "reconstruct/cross_view.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "decode/socket_inodes.h"
#include "reconstruct/merge.h"

namespace ssnap::reconstruct {
namespace {

using model::Finding;
using model::FindingLevel;

// A finding names so many sockets; its sentence counts all.
constexpr std::size_t kMaxSocketsNamed = 1000;
// As often as the capture looks again where the two keep differing (docs/adr/0022).
constexpr std::size_t kAllRounds = 6;

using Inodes = std::vector<std::uint32_t>;

model::Evidence evidence_of(const model::Snapshot& snapshot, const model::Sighting& sighting) {
  return {snapshot.members[sighting.member], sighting.offset, std::string(model::view_name(sighting.view)), {}, {}};
}

bool has(const std::optional<Inodes>& inodes, std::uint32_t inode) {
  return inodes && std::binary_search(inodes->begin(), inodes->end(), inode);
}

// Dumps and /proc/net of one table, and what became of their differences when both were asked again.
class TableCheck {
 public:
  TableCheck(const Records& records, const model::Snapshot& snapshot, std::uint32_t netns, const std::string& name, const TableLooks& looks,
             const std::vector<std::uint32_t>& sockets)
      : records_(records), snapshot_(snapshot), netns_(netns), name_(name), looks_(looks), table_(*decode::find_inode_table(name)), sockets_(sockets) {}

  void run(model::Findings& found) {
    compare();
    count(found);
    if (only_dumped_.empty() && only_listed_.empty()) return;
    Finding finding;
    finding.id = model::kCheckViews;
    finding.severity = model::Severity::high;
    // What differs still is what counts; else all that differed once.
    Inodes dumped = persisting(only_dumped_, true), listed = persisting(only_listed_, false);
    const bool persists = !dumped.empty() || !listed.empty();
    if (!persists) dumped = only_dumped_, listed = only_listed_;
    finding.sentence = sentence(dumped.size(), listed.size());
    if (!listed.empty()) finding.sentence += forgers();
    judge(persists, finding);
    name_sockets(dumped, listed, finding);
    found.findings.push_back(std::move(finding));
  }

 private:
  bool was_looked_at_again() const { return !looks_.rounds.empty(); }

  void compare() {
    const TableLook& first = looks_.first;
    if (!first.listed || !first.dumped || !looks_.again) return;
    if (table_.family == model::kFamilyNetlink)
      for (const std::uint32_t i : sockets_)
        if (const auto& socket = snapshot_.sockets[i]; is_of_table(socket) && is_collectors(records_, snapshot_.namespaces[netns_].inode, socket))
          own_.push_back(static_cast<std::uint32_t>(*socket.inode));
    std::sort(own_.begin(), own_.end());
    for (const std::uint32_t inode : *first.dumped)
      if (has(looks_.again, inode) && !has(first.listed, inode) && !is_own(inode)) only_dumped_.push_back(inode);
    for (const std::uint32_t inode : *first.listed)
      if (!has(first.dumped, inode) && !has(looks_.again, inode) && !is_own(inode)) only_listed_.push_back(inode);
  }

  // In every look at one view, and in none at the other.
  Inodes persisting(const Inodes& inodes, bool in_dumps) const {
    Inodes left;
    for (const std::uint32_t inode : inodes) {
      bool persists = true;
      for (const auto& [round, look] : looks_.rounds) {
        const bool dumped = has(look.dumped, inode), listed = has(look.listed, inode);
        if (look.dumped && look.listed) persists = persists && dumped == in_dumps && listed != in_dumps;
      }
      if (persists) left.push_back(inode);
    }
    return left;
  }

  std::size_t whole_rounds() const {
    return static_cast<std::size_t>(std::count_if(looks_.rounds.begin(), looks_.rounds.end(), [](const auto& round) { return round.second.listed && round.second.dumped; }));
  }

  // Nothing else came or went in all looks.
  bool is_quiet() const {
    bool quiet = looks_.first.dumped == looks_.again;
    for (const auto& [round, look] : looks_.rounds) quiet = quiet && look.dumped == looks_.first.dumped && look.listed == looks_.first.listed;
    return quiet;
  }

  void judge(bool persists, Finding& finding) const {
    const std::size_t rounds = whole_rounds();
    if (!was_looked_at_again()) {
      if (records_.raw.all_again) {
        finding.sentence += "; the capture compared the two when it had read them, and they did not differ";
        return;
      }
      finding.level = FindingLevel::difference;
      finding.explanation = records_.raw.compared ? "the table is too large to be read again" : "the two were not asked again: sockets may have come or gone in between";
    } else if (!persists) {
      finding.level = FindingLevel::explained;
      finding.explanation = "sockets came and went, or a reading missed some: both views agreed on them when they were asked again";
    } else if (rounds < kAllRounds && !(rounds > 1 && is_quiet())) {
      finding.level = FindingLevel::difference;
      finding.explanation = "asked again only " + std::to_string(rounds) + " times, while sockets came and went";
    } else {
      finding.sentence += "; so it was in " + std::to_string(rounds) + " more looks at both";
    }
  }

  // The kernel's own count, with the rows that it should count.
  void count(model::Findings& found) const {
    const TableLook& first = looks_.first;
    if (!first.listed || !first.counter_before || first.rows == *first.counter_before) return;
    Finding finding;
    finding.id = model::kCheckCounter;
    finding.severity = model::Severity::high;
    finding.sentence = where() + ": the kernel counts " + std::to_string(*first.counter_before) + ", /proc/net has " + std::to_string(first.rows) + " rows to count";
    std::size_t confirmed = 0, agreed = 0;
    for (const auto& [round, look] : looks_.rounds) {
      if (!look.listed || !look.counter_before || !look.counter_after) continue;
      confirmed += look.counter_before == look.counter_after && look.rows != *look.counter_before;
      agreed += look.rows == *look.counter_before || look.rows == *look.counter_after;
    }
    if (!was_looked_at_again() && records_.raw.all_again) {
      finding.sentence += "; the capture compared the two when it had read them, and they did not differ";
    } else if (agreed > 0) {
      finding.level = FindingLevel::explained;
      finding.explanation = "sockets came and went between the two readings: they agreed when both were read again";
    } else if (confirmed < kAllRounds) {
      finding.level = FindingLevel::difference;
      finding.explanation = "sockets came and went between the two readings, or they were not made again often enough";
    } else {
      finding.sentence += "; so it was in " + std::to_string(confirmed) + " more readings of both";
    }
    finding.evidence = {{first.listing, {}, "", {}, {}}, {folder() + std::string(table_.counter_file), {}, std::string(table_.counter), {}, {}}};
    if (finding.level != FindingLevel::finding) finding.severity = model::Severity::info;
    found.findings.push_back(std::move(finding));
  }

  std::string where() const { return name_ + " of namespace " + std::to_string(snapshot_.namespaces[netns_].inode); }
  std::string folder() const { return looks_.first.listing.substr(0, looks_.first.listing.rfind('/') + 1); }

  std::string sentence(std::size_t dumped, std::size_t listed) const {
    std::string text = where() + ": ";
    if (dumped > 0) text += std::to_string(dumped) + (dumped == 1 ? " socket is" : " sockets are") + " in both dumps and not in /proc/net";
    if (listed > 0) text += std::string(dumped > 0 ? ", " : "") + std::to_string(listed) + (listed == 1 ? " socket is" : " sockets are") + " in /proc/net and in no dump";
    return text;
  }

  // /proc/net/unix prints abstract names as they are: a newline in one begins what looks like a row.
  std::string forgers() const {
    std::string text;
    if (table_.family != model::kFamilyUnix) return text;
    for (const std::uint32_t i : sockets_)
      if (const auto& socket = snapshot_.sockets[i]; is_of_table(socket) && socket.name->bytes.find('\n') != std::string::npos)
        text += (text.empty() ? "; a newline in its name forges rows there: socket " : ", ") + std::to_string(*socket.inode);
    return text;
  }

  bool is_of_table(const model::Socket& socket) const { return socket.netns == netns_ && socket.family == table_.family && socket.inode; }

  bool is_own(std::uint32_t inode) const { return std::binary_search(own_.begin(), own_.end(), inode); }

  void name_sockets(const Inodes& dumped, const Inodes& listed, Finding& finding) const {
    for (const std::uint32_t i : sockets_) {
      if (finding.sockets.size() == kMaxSocketsNamed) break;
      const model::Socket& socket = snapshot_.sockets[i];
      if (!is_of_table(socket)) continue;
      const auto inode = static_cast<std::uint32_t>(*socket.inode);
      if (std::binary_search(dumped.begin(), dumped.end(), inode) || std::binary_search(listed.begin(), listed.end(), inode)) finding.sockets.push_back(i);
    }
    for (const std::uint32_t i : finding.sockets)
      if (!snapshot_.sockets[i].sightings.empty()) finding.evidence.push_back(evidence_of(snapshot_, snapshot_.sockets[i].sightings.front()));
    finding.evidence.push_back({dumped.empty() ? looks_.first.dump : looks_.first.listing, {}, "has no such row", {}, {}});
    if (was_looked_at_again()) {
      const TableLook& last = looks_.rounds.rbegin()->second;
      for (const auto& member : {last.listing, last.dump})
        if (!member.empty()) finding.evidence.push_back({member, {}, "the last look", {}, {}});
    }
    if (finding.level != FindingLevel::finding) finding.severity = model::Severity::info;
  }

  const Records& records_;
  const model::Snapshot& snapshot_;
  std::uint32_t netns_;
  const std::string& name_;
  const TableLooks& looks_;
  const decode::InodeTable& table_;
  const std::vector<std::uint32_t>& sockets_;  // of the namespace, ascending
  Inodes own_, only_dumped_, only_listed_;     // ascending
};

void check_differences(const Records& records, const model::Snapshot& snapshot, model::Findings& found) {
  bool any = false;
  std::map<std::uint64_t, std::uint32_t> indexes;
  for (std::uint32_t netns = 0; netns < snapshot.namespaces.size(); ++netns) indexes.emplace(snapshot.namespaces[netns].inode, netns);
  std::vector<std::vector<std::uint32_t>> sockets(snapshot.namespaces.size());
  for (std::uint32_t i = 0; i < snapshot.sockets.size(); ++i)
    if (snapshot.sockets[i].netns < sockets.size()) sockets[snapshot.sockets[i].netns].push_back(i);
  for (const auto& [place, looks] : records.raw.tables) {
    const auto netns = indexes.find(place.first);
    if (netns == indexes.end()) continue;
    any = any || (looks.first.listed && looks.first.dumped && looks.again);
    TableCheck(records, snapshot, netns->second, place.second, looks, sockets[netns->second]).run(found);
  }
  if (any) return;
  found.unchecked.push_back({model::kCheckViews, "no table was both dumped and read in /proc/net"});
  found.unchecked.push_back({model::kCheckCounter, "no table was read with the kernel's counter of it"});
}

void check_held(const model::Snapshot& snapshot, model::Findings& found) {
  if (snapshot.held.unexplained == 0) return;
  Finding finding;
  finding.id = model::kCheckHeld;
  finding.severity = model::Severity::high;
  finding.sentence = std::to_string(snapshot.held.unexplained) + " of " + std::to_string(snapshot.held.inodes) +
                     " sockets in fd tables are in no table, and the kernel names no protocol for them";
  found.findings.push_back(std::move(finding));
}

void check_structure(const Records& records, model::Findings& found) {
  if (records.raw.tables_checked == 0) found.unchecked.push_back({model::kCheckTable, "no socket table is in the archive"});
  for (const StructureProblem& problem : records.raw.structure) {
    Finding finding;
    finding.id = model::kCheckTable;
    finding.severity = model::Severity::high;
    finding.sentence = problem.member + ": " + problem.message;
    if (problem.more > 0) finding.sentence += ", and " + std::to_string(problem.more) + " more like it";
    finding.evidence.push_back({problem.member, problem.offset, "", {}, {}});
    found.findings.push_back(std::move(finding));
  }
}

}  // namespace

void check_tables(const Records& records, const model::Snapshot& snapshot, model::Findings& found) {
  check_structure(records, found);
  check_differences(records, snapshot, found);
  check_held(snapshot, found);
}

void check_views(const Records& records, const model::Snapshot& snapshot, model::Findings& found) {
  check_processes(records, snapshot, found);
  check_tables(records, snapshot, found);
}

}  // namespace ssnap::reconstruct
