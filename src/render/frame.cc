#include "render/frame.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/clock.h"
#include "render/byte_order.h"
#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {

std::string paragraph(std::string_view text, const Style& style, Tint tint) {
  std::string out;
  for (const auto& line : wrap(text, style.width, 0)) {
    if (style.colour && tint == Tint::bold)
      out += "\x1b[1m" + line + "\x1b[0m\n";
    else
      out += line + '\n';
  }
  return out;
}

namespace {

std::string duration_text(std::int64_t nsec) {
  const std::int64_t msec = (nsec + 500'000) / 1'000'000;
  if (msec < 10'000) return std::to_string(msec) + " ms";
  return std::to_string(msec / 1000) + '.' + std::to_string(msec / 100 % 10) + " s";
}

std::string namespaces_text(const Rows& rows) {
  const std::size_t all = rows.snapshot.namespaces.size();
  if (all < 2) return "";
  const std::uint64_t shown = all - std::min<std::uint64_t>(rows.other_namespaces, all);
  if (shown == all) return "all " + std::to_string(all) + " namespaces";
  if (shown != 1) return std::to_string(shown) + " of " + std::to_string(all) + " namespaces";
  const bool own = rows.sockets.empty() || (rows.sockets.front()->netns < all &&
                                            rows.snapshot.namespaces[rows.sockets.front()->netns].own);
  return (own ? "this namespace of " : "one namespace of ") + std::to_string(all);
}

// "web1 · 2026-11-21 19:42:07Z · Linux 6.1.0 x86_64 · ..."
std::string head_text(const Rows& rows) {
  const auto& host = rows.snapshot.host;
  const auto& capture = rows.snapshot.capture;
  std::vector<std::string> parts;
  if (host.nodename) parts.push_back(escape_terminal(*host.nodename));
  if (capture.begin_realtime_nsec) {
    std::string time = base::rfc3339_utc(*capture.begin_realtime_nsec, 0);
    std::replace(time.begin(), time.end(), 'T', ' ');
    parts.push_back(std::move(time));
  }
  if (host.kernel || host.machine) {
    std::string kernel = "Linux";
    if (host.kernel) kernel += ' ' + escape_terminal(*host.kernel);
    if (host.machine) kernel += ' ' + escape_terminal(*host.machine);
    parts.push_back(std::move(kernel));
  }
  if (is_guess_that_matters(host)) parts.push_back("byte order guessed: " + std::string(byte_order_word(host.byte_order->order)));
  if (auto namespaces = namespaces_text(rows); !namespaces.empty()) parts.push_back(std::move(namespaces));
  if (capture.processes_found != 0)
    parts.push_back(std::to_string(capture.processes_read) + " of " +
                    count(capture.processes_found, "process", "processes") + " read");
  if (capture.smear_nsec) parts.push_back("smear " + duration_text(*capture.smear_nsec));
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : " · ") + part;
  return out;
}

std::string incomplete_text(const model::Capture& capture) {
  std::string out = "INCOMPLETE: ";
  if (capture.status == "cut")
    out += "the archive breaks off before its end";
  else if (capture.status == "interrupted")
    out += "the capture was interrupted";
  else if (capture.status == "limit")
    out += "the capture ended at its size limit";
  else if (capture.status == "error")
    out += "the capture ended with an error";
  else
    out += "the snapshot is damaged or not sealed";
  if (!capture.status_detail.empty()) out += " (" + escape_terminal(capture.status_detail) + ')';
  return out + ". What is not listed here may still have been there.";
}

// "250 reads of 1 process denied, 2 sources timeout".
std::string gap_kinds(const std::vector<const model::Gap*>& gaps) {
  struct Sum {
    std::uint64_t count = 0;
    std::set<std::int64_t> pids;
    bool all_of_processes = true;
  };
  std::map<base::OutcomeKind, Sum> sums;
  for (const auto* gap : gaps) {
    Sum& sum = sums[gap->kind];
    sum.count += gap->count;
    if (gap->pid)
      sum.pids.insert(*gap->pid);
    else
      sum.all_of_processes = false;
  }
  std::string out;
  for (const auto& [kind, sum] : sums) {
    if (!out.empty()) out += ", ";
    if (sum.all_of_processes)
      out += count(sum.count, "link") + " of " + count(sum.pids.size(), "process", "processes");
    else
      out += count(sum.count, "source");
    out += ' ' + std::string(base::outcome_name(kind));
  }
  return out;
}

// What a gap is to a reader: something that was there and was not had, or something that is only stated.
std::string gaps_text(const model::Snapshot& snapshot) {
  std::vector<const model::Gap*> missing, stated;
  for (const auto& gap : snapshot.gaps) (base::makes_incomplete(gap.kind) ? missing : stated).push_back(&gap);
  std::string out;
  if (missing.empty() && stated.empty())
    out = snapshot.capture.incomplete ? "No gaps in what was read." : "No gaps.";
  else if (missing.empty())
    out = std::string(snapshot.capture.incomplete ? "No gaps in what was read (" : "No gaps (") + gap_kinds(stated) + ": ssnap info SNAPSHOT lists them).";
  else {
    out = count(missing.size(), "gap") + ": " + gap_kinds(missing);
    if (!stated.empty()) out += " (and " + gap_kinds(stated) + ')';
    out += ": ssnap info SNAPSHOT lists them.";
  }
  if (!snapshot.problems.empty())
    out += ' ' + count(snapshot.problems.size(), "place", "places") +
           " of the snapshot could not be read: ssnap info SNAPSHOT.";
  return out;
}

std::string summary_text(const Rows& rows, std::string_view what) {
  const std::size_t shown = rows.sockets.size();
  std::string out;
  if (!what.empty())
    out = what;
  else if (rows.total == 0 && shown == 0)
    out = "No sockets: the snapshot holds none here.";
  else if (shown == 0)
    out = "No socket of " + std::to_string(rows.total) + " matches.";
  else if (rows.total <= shown)
    out = count(shown, "socket") + " shown.";
  else
    out = std::to_string(shown) + " of " + count(rows.total, "socket") + " shown.";
  if (rows.other_namespaces != 0)
    out += ' ' + count(rows.in_other_namespaces, "socket") + " in " +
           count(rows.other_namespaces, "other namespace") + ": --netns all.";
  return out + ' ' + gaps_text(rows.snapshot);
}

}  // namespace

std::string head(const Rows& rows, const Style& style) {
  std::string out;
  if (!style.header) return out;
  if (const auto text = head_text(rows); !text.empty()) out += paragraph(text, style, Tint::none);
  if (rows.snapshot.capture.incomplete)
    out += paragraph(incomplete_text(rows.snapshot.capture), style, Tint::bold);
  if (!out.empty()) out += '\n';
  return out;
}

std::string foot(const Rows& rows, const Style& style, bool after_something, std::string_view what) {
  if (!style.header) return "";
  return (after_something ? "\n" : "") + paragraph(summary_text(rows, what), style, Tint::none);
}

}  // namespace ssnap::render
