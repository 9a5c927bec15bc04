#include "decode/process_views.h"

#include "base/text_cursor.h"
#include "decode/describe.h"
#include "decode/row_limits.h"

namespace ssnap::decode {
namespace {

// The whole of a word, or "-". False where it is neither.
bool read_count(base::TextCursor& cursor, std::optional<std::uint64_t>& value) {
  const auto word = cursor.word();
  if (!word) return false;
  if (*word == "-") return true;
  value = base::parse_integer<std::uint64_t>(*word);
  return value.has_value();
}

bool read_positive(base::TextCursor& cursor, std::int64_t& value) {
  value = cursor.decimal<std::int64_t>().value_or(0);
  return value > 0;
}

// hidden pid 4711 8812
// hidden cgroup 4712 -
bool read_unlisted(base::TextCursor& cursor, std::uint64_t offset, ProcessProbe& probe) {
  UnlistedProcess row;
  row.offset = offset;
  const auto how = cursor.word();
  if (!how || (*how != "pid" && *how != "cgroup") || !read_positive(cursor, row.pid) || !read_count(cursor, row.start_ticks) || cursor.word())
    return false;
  row.in_cgroup = *how == "cgroup";
  if (probe.unlisted.size() < kMaxRows) probe.unlisted.push_back(row);
  return true;
}

// range 1 32768
bool read_range(base::TextCursor& cursor, ProcessProbe& probe) {
  std::int64_t first = 0, last = 0;
  if (!read_positive(cursor, first) || !read_positive(cursor, last) || cursor.word() || last < first) return false;
  probe.first = first;
  probe.last = last;
  return true;
}

// alive 1 2 77
bool read_alive(base::TextCursor& cursor, ProcessProbe& probe) {
  while (const auto word = cursor.word()) {
    const auto pid = base::parse_integer<std::int64_t>(*word);
    if (!pid || *pid <= 0 || probe.alive.size() == kMaxRows) return false;
    probe.alive.push_back(*pid);
  }
  return true;
}

}  // namespace

// links 144 144
// forks 4570 4571
// threads 151 -
ProcessCounts decode_process_counts(std::string_view bytes) {
  ProcessCounts counts;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    base::TextCursor cursor(line->text);
    const auto key = cursor.word();
    Bracket* to = key == "links" ? &counts.links : key == "forks" ? &counts.forks : key == "threads" ? &counts.threads : nullptr;
    if (to == nullptr) continue;  // of a later version
    Bracket read;
    if (!line->complete || !read_count(cursor, read.before) || !read_count(cursor, read.after) || cursor.word())
      counts.problems.add(line->offset, expected_found("a name and two numbers", line->text, "the line is left out"));
    else *to = read;
  }
  return counts;
}

ProcessProbe decode_process_probe(std::string_view bytes) {
  ProcessProbe probe;
  base::LineReader lines(bytes);
  while (const auto line = lines.next()) {
    base::TextCursor cursor(line->text);
    const auto key = cursor.word();
    bool good = line->complete;
    if (key == "range") good = good && read_range(cursor, probe);
    else if (key == "alive") good = read_alive(cursor, probe) && good;
    else if (key == "hidden") good = good && read_unlisted(cursor, line->offset, probe);
    if (!good) probe.problems.add(line->offset, expected_found("a line of a process probe", line->text, "the line is kept as far as it goes"));
  }
  return probe;
}

}  // namespace ssnap::decode
