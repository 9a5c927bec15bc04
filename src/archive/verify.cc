#include "archive/verify.h"

#include <algorithm>
#include <map>

#include "archive/directory.h"
#include "archive/journal.h"
#include "archive/manifest.h"
#include "archive/reader.h"
#include "archive/zstd_frame.h"
#include "base/sha256.h"

namespace ssnap::archive {
namespace {

// What is kept of a member that was read: enough for the manifest, the journal and the chain.
struct Seen {
  std::string name;
  std::string sha256;
  std::uint64_t bytes = 0;
  std::uint64_t frame_offset = 0;
  bool cut = false;
};

struct Part {
  std::size_t member = 0;  // index into the members
  JournalPart content;
};

// One check of one file. Each method is one of the things that are held against each other.
class Verifier {
 public:
  VerifyReport report;

  void add(Verdict verdict, std::string member, std::optional<std::uint64_t> offset, std::string message) {
    (verdict == Verdict::altered ? report.altered : report.incomplete) = true;
    ++report.finding_count;
    if (report.findings.size() < kMaxFindings)
      report.findings.push_back({verdict, std::move(member), offset, std::move(message)});
  }

  void see(const Member& member) {
    ++report.members;
    Seen seen{std::string(member.name), base::sha256_hex(member.bytes), member.bytes.size(), member.frame_offset, member.cut};
    if (member.name == kManifestName && !member.cut) manifest_ = std::string(member.bytes);
    if (member.name == "end.json" && !member.cut) read_end(member);
    if (member.name.starts_with("journal/") && !member.cut)
      parts_.push_back({members_.size(), parse_journal(member.bytes)});
    if (member.type == MemberType::symlink)
      add(Verdict::altered, seen.name, member.frame_offset, "a symlink: no archive of ours has any");
    members_.push_back(std::move(seen));
  }

  // The manifest and what is there, both ways. `in_order`: a tar keeps the order, a directory doesn't.
  bool check_manifest(bool in_order) {
    if (!manifest_) return false;
    const auto lines = parse_manifest(*manifest_);
    add_problems(lines.problems, std::string(kManifestName), std::nullopt);
    report.manifest_lines = lines.rows.size();
    // Ordered, as below: whoever chooses the names chooses what a hash table would cost.
    std::map<std::string_view, std::size_t> listed;
    for (std::size_t i = 0; i < lines.rows.size(); ++i)
      if (!listed.emplace(lines.rows[i].name, i).second)
        add(Verdict::altered, std::string(lines.rows[i].name), std::nullopt, "the manifest has it twice");
    std::vector<bool> found(lines.rows.size(), false);
    std::size_t after = 0;
    for (const Seen& member : members_) {
      if (member.name == kManifestName) continue;
      const auto at = listed.find(member.name);
      if (at == listed.end()) {
        add(Verdict::altered, member.name, offset_of(member), "the manifest doesn't have it: it was added, or renamed");
        continue;
      }
      found[at->second] = true;
      if (in_order && at->second < after)
        add(Verdict::altered, member.name, offset_of(member), "not in the order of the manifest: it was moved");
      after = std::max(after, at->second);
      if (!member.cut && member.sha256 != lines.rows[at->second].sha256)
        add(Verdict::altered, member.name, offset_of(member),
            "its SHA-256 is " + member.sha256 + ", the manifest says " + std::string(lines.rows[at->second].sha256));
    }
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!found[i])
        add(Verdict::altered, std::string(lines.rows[i].name), std::nullopt, "the manifest has it, it isn't there: it was removed, or lost to damage");
    return true;
  }

  // The chain: each part's range of the file begins where the last part's frame begins, and hashes to what it says.
  void check_chain(std::string_view file) {
    report.journal_parts = parts_.size();
    std::uint64_t begin = 0;
    bool unbroken = true;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      const Seen& member = members_[part.member];
      const auto fault = link_fault(part, i, begin, file);
      if (fault) {
        add(Verdict::altered, member.name, member.frame_offset, *fault);
        unbroken = false;
      }
      add_problems(part.content.problems, member.name, member.frame_offset);
      begin = member.frame_offset;
      if (unbroken) report.chained_bytes = begin;
    }
  }

  // The journal's word on each member: that it is there, with the size that was read.
  void check_journal() {
    std::map<std::string_view, const Seen*> by_name;
    for (const Seen& member : members_) by_name.emplace(member.name, &member);
    for (const Part& part : parts_) {
      for (const JournalEntry& entry : part.content.entries) {
        if (entry.member.empty() || !entry.bytes || entry.offset) continue;
        const auto at = by_name.find(entry.member);
        if (at == by_name.end()) {
          if (entry.outcome == base::OutcomeKind::ok)
            add(Verdict::altered, entry.member, std::nullopt, "the journal says that it was read, it isn't there");
        } else if (!at->second->cut && at->second->bytes != *entry.bytes) {
          add(Verdict::altered, entry.member, offset_of(*at->second),
              "it has " + std::to_string(at->second->bytes) + " bytes, the journal says " + std::to_string(*entry.bytes));
        }
      }
    }
  }

  void check_end() {
    if (!report.end) return;
    std::uint64_t members = 0, bytes = 0;
    for (const Seen& member : members_) {
      if (member.name == "end.json") break;
      ++members;
      bytes += member.bytes;
    }
    if (members != report.end->members || bytes != report.end->member_bytes)
      add(Verdict::altered, "end.json", std::nullopt,
          "it counts " + std::to_string(report.end->members) + " members of " + std::to_string(report.end->member_bytes) +
              " bytes before it, there are " + std::to_string(members) + " of " + std::to_string(bytes));
  }

  bool has_manifest() const { return manifest_.has_value(); }
  // All in the frame at 0: a tar that was compressed in one go, not by a capture.
  bool packed_anew() const {
    return members_.size() > 2 && std::all_of(members_.begin(), members_.end(), [](const Seen& member) { return member.frame_offset == 0; });
  }

 private:
  // What could not be read of a member; those that were only counted are counted here too.
  void add_problems(const base::Problems& problems, const std::string& member, std::optional<std::uint64_t> offset) {
    for (const auto& problem : problems.kept)
      add(Verdict::altered, member, offset, "offset " + std::to_string(problem.offset) + ": " + problem.message);
    report.finding_count += problems.total - problems.kept.size();
  }

  static std::optional<std::uint64_t> offset_of(const Seen& member) { return member.frame_offset; }

  void read_end(const Member& member) {
    auto end = parse_end_info(member.bytes);
    if (end.has_error()) add(Verdict::altered, "end.json", member.frame_offset, end.error().message);
    else report.end = std::move(*end);
  }

  std::optional<std::string> link_fault(const Part& part, std::size_t number, std::uint64_t begin,
                                        std::string_view file) const {
    if (!part.content.link) return "it has no chain line";
    const ChainLink& link = *part.content.link;
    const Seen& member = members_[part.member];
    if (link.part != number)
      return "it is part " + std::to_string(link.part) + " where part " + std::to_string(number) + " was expected: parts are missing or were moved";
    if (link.frames_begin != begin || link.frames_end != member.frame_offset || link.frames_end > file.size() || begin > link.frames_end)
      return "it is about the bytes " + range(link.frames_begin, link.frames_end) + ", in the file it would have to be " +
             range(begin, member.frame_offset) + ": something was removed, added or moved";
    if (base::sha256_hex(file.substr(begin, link.frames_end - begin)) != link.frames_sha256)
      return "the bytes " + range(begin, link.frames_end) + " are not those that it chains" + members_within(begin, link.frames_end);
    if (number > 0 && link.previous_part_sha256 != members_[parts_[number - 1].member].sha256)
      return "the part before it is not the one that it chains";
    return std::nullopt;
  }

  static std::string range(std::uint64_t begin, std::uint64_t end) {
    return std::to_string(begin) + " to " + std::to_string(end);
  }

  // " (proc/1/stat to proc/7/fds)": what was in the range that was altered.
  std::string members_within(std::uint64_t begin, std::uint64_t end) const {
    // Members come in the order of the file: a hostile one may have very many of them, and of parts.
    const auto from = [&](std::uint64_t offset) {
      return std::partition_point(members_.begin(), members_.end(), [&](const Seen& member) { return member.frame_offset < offset; });
    };
    const auto first = from(begin), after = from(end);
    if (first == after) return "";
    return " (" + first->name + (first + 1 == after ? "" : " to " + (after - 1)->name) + ")";
  }

  std::vector<Seen> members_;
  std::vector<Part> parts_;
  std::optional<std::string> manifest_;
};

std::uint64_t count_frames(std::string_view file) {
  std::uint64_t frames = 0, steps = 0;
  while (!file.empty() && frame_kind(file) == FrameKind::zstd) {
    const auto extent = frame_extent(file, steps);
    if (!extent) break;
    ++frames;
    file.remove_prefix(*extent);
  }
  return frames;
}

}  // namespace

VerifyReport verify_archive(std::string_view file, const ReadLimits& limits) {
  Verifier verifier;
  const ReadReport read = read_archive(file, [&](const Member& member) { verifier.see(member); }, limits);
  verifier.report.sha256 = base::sha256_hex(file);
  verifier.report.bytes = file.size();
  verifier.report.frames = count_frames(file);
  verifier.report.sealed = read.sealed;
  verifier.report.finding_count += read.problems.total - read.problems.kept.size();
  for (std::size_t i = 0; i < read.problems.kept.size(); ++i) {
    const bool is_the_cut = read.cut && i + 1 == read.problems.kept.size();
    verifier.add(is_the_cut ? Verdict::incomplete : Verdict::altered, "", read.problems.kept[i].offset, read.problems.kept[i].message);
  }
  verifier.check_manifest(true);
  if (!read.sealed && verifier.packed_anew()) {
    verifier.add(Verdict::incomplete, "", std::nullopt, "it was packed anew: the chain is about the frames of the capture and can't be checked");
  } else {
    verifier.check_chain(file);
  }
  verifier.check_journal();
  verifier.check_end();
  if (!read.cut && !verifier.has_manifest()) verifier.add(Verdict::altered, std::string(kManifestName), std::nullopt, "it is missing");
  return std::move(verifier.report);
}

base::Result<VerifyReport> verify_directory(const Input& input) {
  Verifier verifier;
  const auto read = read_directory(input, [](std::string_view) { return true; }, [&](const Member& member) { verifier.see(member); });
  if (read.has_error()) return read.error();
  verifier.report.finding_count += read->problems.total - read->problems.kept.size();
  for (const auto& problem : read->problems.kept) verifier.add(Verdict::altered, "", std::nullopt, problem.message);
  if (!verifier.check_manifest(false))
    return base::Error{input.name + " has no " + std::string(kManifestName) + ": it is no unpacked archive, or was cut, and there is nothing to hold it against"};
  verifier.check_journal();
  verifier.add(Verdict::incomplete, "", std::nullopt, "a directory has no seal: only its files and its manifest can be compared");
  return std::move(verifier.report);
}

}  // namespace ssnap::archive
