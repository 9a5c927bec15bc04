#include "render/findings.h"

#include <algorithm>
#include <optional>

#include "analyze/findings.h"
#include "analyze/text.h"
#include "render/address.h"
#include "render/csv.h"
#include "render/escape.h"
#include "render/frame.h"
#include "render/layout.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using analyze::Count;
using analyze::Text;
using model::Finding;
using model::Snapshot;

// Lines of sockets below a finding of the table; wide has all of them.
constexpr std::size_t kMaxSockets = 8;
constexpr int kIndent = 2, kHang = 6;

void add_lines(std::string& out, const std::string& text, int indent, const Style& style) {
  std::optional<int> width;
  if (style.width) width = std::max(*style.width - indent, 1);
  for (const auto& line : wrap(text, width, kHang - kIndent)) out += std::string(static_cast<std::size_t>(indent), ' ') + line + '\n';
}

void put_place(Text& text, const model::Evidence& place) {
  text << escape_terminal(place.member);
  if (place.offset) text << "+" << *place.offset;
}

std::string socket_text(const Snapshot& snapshot, const model::Socket& socket) {
  Text text;
  text << protocol_text(socket) << " " << local_text(snapshot, socket);
  if (const auto peer = peer_text(snapshot, socket); !peer.empty()) text << " -> " << peer;
  text << " " << state_word(socket.state) << foreign_mark(snapshot, socket);
  if (socket.inode) text << ", inode " << *socket.inode;
  return std::move(text.bytes);
}

// Everything below the sentence that only wide has.
void add_all(std::string& out, const Snapshot& snapshot, const Finding& finding, const Style& style) {
  for (const auto process : finding.processes) {
    Text text;
    text << process_label(snapshot, process);
    if (const auto& words = snapshot.processes[process].cmdline)
      for (const auto& word : *words) text << " " << escape_terminal(word);
    add_lines(out, text.bytes, kHang, style);
  }
  for (const auto& place : finding.evidence) {
    Text text;
    text << "at ";
    put_place(text, place);
    if (!place.part.empty()) text << " (" << escape_terminal(place.part) << ")";
    add_lines(out, text.bytes, kHang, style);
  }
}

void add_finding(std::string& out, const Snapshot& snapshot, const Finding& finding, const Style& style, bool all) {
  Text head;
  head << finding.id << ": ";
  if (finding.level != model::FindingLevel::finding) head << "(" << model::finding_level_name(finding.level) << ") ";
  head << escape_terminal(finding.sentence) << ".";
  add_lines(out, head.bytes, kIndent, style);
  if (!finding.explanation.empty()) add_lines(out, "explained by: " + escape_terminal(finding.explanation), kHang, style);
  for (const auto& line : finding.details) add_lines(out, escape_terminal(line), kHang, style);
  // A single socket is in the sentence.
  const std::size_t shown = all ? finding.sockets.size() : finding.sockets.size() > 1 ? std::min(finding.sockets.size(), kMaxSockets) : 0;
  for (std::size_t i = 0; i < shown; ++i) add_lines(out, socket_text(snapshot, snapshot.sockets[finding.sockets[i]]), kHang, style);
  if (shown != 0 && shown < finding.sockets.size()) {
    Text more;
    more << "and " << finding.sockets.size() - shown << " more; all in --format wide";
    add_lines(out, more.bytes, kHang, style);
  }
  if (all) add_all(out, snapshot, finding, style);
}

void put_list(Text& text, const std::vector<std::string_view>& words) {
  for (const auto& word : words) text << (&word == words.data() ? "" : ", ") << word;
}

// Why nothing found does not mean that nothing is there: each reason once, with the rules that it is about.
void add_unchecked(std::string& out, const model::Findings& findings, const Style& style) {
  if (findings.unchecked.empty()) return;
  out += paragraph("NOT LOOKED AT EVERYWHERE", style, Tint::bold);
  std::vector<std::string_view> done;
  for (const auto& reason : findings.unchecked) {
    if (std::find(done.begin(), done.end(), reason.reason) != done.end()) continue;
    done.push_back(reason.reason);
    std::vector<std::string_view> ids;
    for (const auto& one : findings.unchecked)
      if (one.reason == reason.reason) ids.push_back(one.id);
    Text text;
    if (ids.size() == findings.checked.size()) text << "every rule";
    else put_list(text, ids);
    text << ": " << escape_terminal(reason.reason) << ".";
    add_lines(out, text.bytes, kIndent, style);
  }
}

std::string upper(std::string_view word) {
  std::string out(word);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

bool is_among(std::string_view id, const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.id == id; });
}

}  // namespace

std::string render_findings(const Rows& rows, const model::Findings& findings, const Style& style, bool all) {
  std::string out = head(rows, style);
  std::optional<model::Severity> severity;
  for (const auto& finding : findings.findings) {
    if (severity != finding.severity) {
      if (severity) out += '\n';
      out += paragraph(upper(model::severity_name(finding.severity)), style, Tint::bold);
      severity = finding.severity;
    }
    add_finding(out, rows.snapshot, finding, style, all);
  }
  if (severity) out += '\n';
  std::vector<std::string_view> silent;
  for (const auto id : findings.checked)
    if (!is_among(id, findings.findings)) silent.push_back(id);
  if (!silent.empty()) {
    Text text;
    put_list(text, silent);
    out += paragraph("NO FINDING", style, Tint::bold);
    add_lines(out, text.bytes, kIndent, style);
    if (!findings.unchecked.empty()) out += '\n';
  }
  add_unchecked(out, findings, style);
  Text what;
  const auto number = static_cast<std::size_t>(std::count_if(findings.findings.begin(), findings.findings.end(), [](const auto& one) {
    return one.level == model::FindingLevel::finding;
  }));
  if (number == 0) what << "No finding";
  else what << Count{number, "finding", "findings"};
  if (number < findings.findings.size()) what << " and " << Count{findings.findings.size() - number, "difference", "differences"};
  what << " of " << Count{findings.checked.size(), "rule", "rules"} << ", in " << Count{rows.total, "socket", "sockets"} << ".";
  return out + foot(rows, style, true, what.bytes);
}

std::string render_findings_csv(const Rows& rows, const model::Findings& findings, bool header) {
  const Snapshot& snapshot = rows.snapshot;
  Text out;
  if (header) out << "id,severity,level,sentence,inodes,pids,evidence\r\n";
  for (const auto& finding : findings.findings) {
    Text inodes, pids, places;
    const auto next = [](Text& list) -> Text& { return list << (list.bytes.empty() ? "" : ";"); };
    for (const auto index : finding.sockets)
      if (const auto inode = snapshot.sockets[index].inode) next(inodes) << *inode;
    for (const auto index : finding.processes) next(pids) << static_cast<std::uint64_t>(snapshot.processes[index].pid);
    // Members are named by inodes, pids and words of the format: none of these holds a separator.
    for (const auto& place : finding.evidence) put_place(next(places), place);
    out << finding.id << "," << model::severity_name(finding.severity) << "," << model::finding_level_name(finding.level) << ","
        << csv_cell(escape_terminal(finding.sentence)) << "," << csv_cell(inodes.bytes) << "," << csv_cell(pids.bytes) << "," << csv_cell(places.bytes)
        << "\r\n";
  }
  return std::move(out.bytes);
}

std::string render_rules() {
  constexpr std::size_t kIdWidth = 28, kSeverityWidth = 9;
  Text out;
  for (const auto& rule : analyze::rules()) {
    const auto severity = model::severity_name(rule.severity);
    out << rule.id;
    out.bytes.append(kIdWidth - std::min(kIdWidth - 1, rule.id.size()), ' ');
    out << severity;
    out.bytes.append(kSeverityWidth - severity.size(), ' ');
    out << rule.title << "\n";
  }
  return std::move(out.bytes);
}

}  // namespace ssnap::render
