#include "render/json_findings.h"

#include <algorithm>

#include "analyze/findings.h"
#include "render/escape.h"
#include "render/json_parts.h"
#include "render/json_process.h"
#include "render/words.h"

namespace ssnap::render {

void fill_finding(Item item, const model::Snapshot& snapshot, const model::Finding& finding) {
  item.word("id", finding.id);
  item.word("severity", model::severity_name(finding.severity));
  item.word("level", model::finding_level_name(finding.level));
  item.bytes("sentence", finding.sentence);
  item.bytes_unless_empty("explanation", finding.explanation);
  if (!finding.details.empty()) item.byte_strings("details", finding.details);
  List sockets = item.list("sockets");
  for (const auto index : finding.sockets) {
    Item socket = add_item(sockets);
    put_socket_id(socket, snapshot, snapshot.sockets[index]);
    socket.word("state", state_word(snapshot.sockets[index].state));
    put_ends(socket, snapshot, snapshot.sockets[index]);
  }
  List processes = item.list("processes");
  for (const auto index : finding.processes) {
    Item process = add_item(processes);
    put_process_id(process, snapshot.processes[index]);
    process.bytes_unless_empty("comm", snapshot.processes[index].comm);
  }
  List evidence = item.list("evidence");
  for (const auto& one : finding.evidence) {
    Item place = add_item(evidence);
    place.bytes("member", one.member);
    place.number("offset", one.offset);
    place.bytes_unless_empty("part", one.part);
    place.number("begin_nsec", one.begin_nsec);
    place.number("end_nsec", one.end_nsec);
  }
}

void fill_rule(Item item, const model::Findings& findings, std::string_view id) {
  item.word("id", id);
  for (const auto& rule : analyze::rules())
    if (rule.id == id) item.word("title", rule.title);
  item.number("found", std::count_if(findings.findings.begin(), findings.findings.end(), [&](const auto& one) { return one.id == id; }));
  List unchecked = item.list("unchecked");
  for (const auto& one : findings.unchecked)
    if (one.id == id) unchecked.add(escape_json_bytes(one.reason));
}

}  // namespace ssnap::render
