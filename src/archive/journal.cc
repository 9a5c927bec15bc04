#include "archive/journal.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/json/serialize.hpp>

#include "archive/json_text.h"
#include "archive/read_limits.h"
#include "base/result.h"
#include "base/text_cursor.h"

namespace ssnap::archive {
namespace {

namespace json = boost::json;

constexpr std::size_t kSha256Digits = 64;
constexpr std::int64_t kMaxErrno = 4095;  // MAX_ERRNO of include/linux/err.h
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

template <class T>
void put(json::object& object, std::string_view name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}

std::string to_line(const json::object& object) { return json::serialize(object) + '\n'; }

bool is_sha256(std::string_view text) {
  return text.size() == kSha256Digits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

base::Result<JournalEntry> read_entry(const json::object& object) {
  std::optional<base::Error> error;
  FieldReader fields(object, "", error);
  JournalEntry entry;
  entry.source = fields.text("source");
  entry.member = fields.optional_text("member").value_or("");
  const auto outcome = base::outcome_from_name(fields.text("outcome"));
  if (!outcome) fields.fail("outcome", "is of no known kind");
  entry.outcome = outcome.value_or(base::OutcomeKind::cut);
  entry.errno_number = static_cast<int>(fields.optional_integer("errno", 1, kMaxErrno).value_or(0));
  entry.begin_nsec = fields.count("begin_nsec");
  entry.end_nsec = fields.count("end_nsec");
  entry.netns = fields.optional_count("netns");
  if (const auto pass = fields.optional_integer("pass", 0, std::numeric_limits<int>::max()))
    entry.pass = static_cast<int>(*pass);
  entry.pid = fields.optional_integer("pid", 0, kMost);
  entry.tid = fields.optional_integer("tid", 0, kMost);
  entry.bytes = fields.optional_count("bytes");
  entry.count = fields.optional_count("count");
  entry.offset = fields.optional_count("offset");
  entry.detail = fields.optional_text("detail").value_or("");
  if (error) return *error;
  return entry;
}

base::Result<ChainLink> read_link(const json::object& object) {
  std::optional<base::Error> error;
  FieldReader fields(object, "", error);
  ChainLink link;
  link.part = static_cast<std::uint32_t>(fields.integer("part", 0, std::numeric_limits<std::uint32_t>::max()));
  link.frames_begin = fields.count("frames_begin");
  link.frames_end = fields.count("frames_end");
  if (link.frames_end < link.frames_begin) fields.fail("frames_end", "lies before frames_begin");
  link.frames_sha256 = fields.text("frames_sha256");
  if (!is_sha256(link.frames_sha256)) fields.fail("frames_sha256", "is not a SHA-256");
  link.previous_part_sha256 = fields.optional_text("previous_part_sha256").value_or("");
  const bool first = link.part == 0 && link.previous_part_sha256.empty();
  if (!first && !is_sha256(link.previous_part_sha256)) fields.fail("previous_part_sha256", "is not a SHA-256");
  link.realtime_offset_nsec = fields.integer("realtime_offset_nsec", kLeast, kMost);
  if (error) return *error;
  return link;
}

}  // namespace

std::string to_json_line(const JournalEntry& entry) {
  json::object out{{"type", "read"}, {"source", escape_bytes(entry.source)}};
  if (!entry.member.empty()) out["member"] = escape_bytes(entry.member);
  out["outcome"] = base::outcome_name(entry.outcome);
  if (entry.errno_number != 0) out["errno"] = entry.errno_number;
  out["begin_nsec"] = entry.begin_nsec;
  out["end_nsec"] = entry.end_nsec;
  put(out, "netns", entry.netns);
  put(out, "pass", entry.pass);
  put(out, "pid", entry.pid);
  put(out, "tid", entry.tid);
  put(out, "bytes", entry.bytes);
  put(out, "count", entry.count);
  put(out, "offset", entry.offset);
  if (!entry.detail.empty()) out["detail"] = escape_bytes(entry.detail);
  return to_line(out);
}

std::string to_json_line(const ChainLink& link) {
  json::object out{
      {"type", "chain"},
      {"part", link.part},
      {"frames_begin", link.frames_begin},
      {"frames_end", link.frames_end},
      {"frames_sha256", link.frames_sha256},
  };
  if (!link.previous_part_sha256.empty()) out["previous_part_sha256"] = link.previous_part_sha256;
  out["realtime_offset_nsec"] = link.realtime_offset_nsec;
  return to_line(out);
}

JournalPart parse_journal(std::string_view bytes, std::size_t max_entries) {
  JournalPart part;
  base::LineReader lines(bytes);
  bool first = true;
  while (const auto line = lines.next()) {
    const bool is_first = std::exchange(first, false);
    if (!line->complete) {
      part.problems.add(line->offset, "the journal part ends inside a line");
      continue;
    }
    const auto object = parse_json_object(line->text, kMaxJournalLineBytes, kMaxJournalLineFields);
    if (!object) {
      part.problems.add(line->offset, "journal line: " + object.error().message);
      continue;
    }
    const auto* type = object->if_contains("type");
    if (type == nullptr || !type->is_string()) {
      part.problems.add(line->offset, "journal line without a type");
    } else if (type->as_string() == "read") {
      if (part.entries.size() == max_entries) {
        part.problems.add(line->offset, "more than " + std::to_string(max_entries) + " entries: the rest is not read");
        break;
      }
      auto entry = read_entry(*object);
      if (entry) part.entries.push_back(std::move(*entry));
      else part.problems.add(line->offset, "journal line: " + entry.error().message);
    } else if (type->as_string() == "chain") {
      auto link = read_link(*object);
      if (!link) part.problems.add(line->offset, "chain line: " + link.error().message);
      else if (!is_first) part.problems.add(line->offset, "a chain line that is not the first of its part");
      else part.link = std::move(*link);
    }
  }
  if (!part.link) part.problems.add(0, "the journal part has no chain line");
  return part;
}

}  // namespace ssnap::archive
