// ssnap analyze: a snapshot -> an answer. Opens nothing but the snapshot, and reads it confined.
#include <algorithm>
#include <string>

#include "analyze/findings.h"
#include "analyze/select.h"
#include "cli/analyze_filter.h"
#include "cli/byte_order.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/letters.h"
#include "cli/live.h"
#include "cli/terminal.h"
#include "pipeline/replay.h"
#include "render/csv.h"
#include "render/fields.h"
#include "render/findings.h"
#include "render/json.h"
#include "render/lsof.h"
#include "render/netstat.h"
#include "render/pairs.h"
#include "render/ss.h"
#include "render/summary.h"
#include "render/table.h"
#include "render/tree.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

using base::ExitCode;
using base::Failure;

std::string unknown_namespace(const model::Snapshot& snapshot, const std::string& wanted) {
  std::string known;
  for (const auto& netns : snapshot.namespaces)
    known += (known.empty() ? "" : ", ") + (!netns.name.empty() ? netns.name : netns.unknown ? "unknown" : std::to_string(netns.inode));
  return "no network namespace '" + wanted + "' in this snapshot; it has " + known;
}

struct Arguments {
  Letters letters;
  bool help = false, explain = false, tree = false, pairs = false, findings = false, list_rules = false, live = false;
  RowCount row_count;
  std::string as, format = "table", netns, expect, fields, rules, byte_order;
  std::vector<std::string> words;
};

po::options_description describe(Arguments& to) {
  po::options_description description("Options");
  description.add_options()
      ("as", po::value(&to.as)->value_name("ssnap|ss|netstat|lsof"), "answer as that tool would have; the switches then mean what they mean to it")
      ("explain", flag(to.explain), "with --as: under a row, where that tool's answer falls short of the evidence")
      ("format", po::value(&to.format)->value_name("table|wide|json|ndjson|csv")->default_value(to.format),
       "wide: every column, nothing wrapped; ndjson: one object a line; JSON and CSV hold every namespace")
      ("fields", po::value(&to.fields)->value_name("LIST"),
       "columns by name, separated by commas: titles of the table, and fields of JSON (local.port, owners.pid)")
      ("tree", flag(to.tree), "the processes that hold the sockets, under their parents")
      ("pairs", flag(to.pairs), "who talks to whom on this host, both ends together; with json or ndjson the list of them too")
      ("findings", flag(to.findings), "what stands out, in every namespace; with json or ndjson a list beside the others")
      ("rules", po::value(&to.rules)->value_name("LIST"),
       "with --findings: only the rules with these ids, separated by commas; no-ID,ID...: all but these")
      ("list-rules", flag(to.list_rules), "no SNAPSHOT: the rules of --findings, their severities and what they look for")
      ("netns", po::value(&to.netns)->value_name("NAME|INODE|all"), "sockets of this network namespace; default: the host's own in the table")
      ("count", flag(to.row_count.only_count), "print how many rows there are instead of them")
      ("expect", po::value(&to.expect)->value_name("N|N..M"), "exit with 5 unless there are so many rows; also N.. and ..M")
      ("live", flag(to.live), "no SNAPSHOT: this host, captured into memory now");
  add_byte_order(description, to.byte_order);
  description.add_options()("help,h", flag(to.help), "this text");
  return description;
}

CommandHelp help_of(Tool tool) {
  static Arguments unused;
  return {"show the sockets of a snapshot, their states and who holds them",
          "analyze SNAPSHOT [SWITCH]... [OPTION]... [FILTER]...\nanalyze --live [SWITCH]... [OPTION]... [FILTER]...",
          "SNAPSHOT is an archive of ssnap capture, - for standard input, or a directory: an unpacked archive or a copy\n"
          "of /proc. Without a table or state switch every socket is shown.",
          {letter_options(unused.letters, tool), describe(unused)},
          "FILTER is written as for ss: state established and ( dport = :443 or dst 10.0.0.0/8 ) not dev eth0. Beside it there\n"
          "are pid, comm, exe, user, uid, inode, netns, container, unit, owners, reason, via, pass, proto: comm nginx owners > 1.\n"
          "It is read from left to right, as by ss: `a or b and c` is ( a or b ) and c.\n\n"
          "Names come from the snapshot only, never from the machine that it is analyzed on: there is no -r."};
}

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at <= list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    words.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool is_json(const std::string& format) { return format == "json" || format == "ndjson"; }
bool is_text_table(const std::string& format) { return format == "table" || format == "wide"; }

void check_findings(const Arguments& given) {
  if (!given.rules.empty() && !given.findings) throw Failure(ExitCode::usage, "--rules says which rules --findings asks; it needs --findings");
  if (!given.findings) return;
  const std::string other = given.tree ? "--tree" : given.pairs && !is_json(given.format) ? "--pairs" : given.letters.summary ? "--summary" : "";
  if (!other.empty()) throw Failure(ExitCode::usage, "--findings and " + other + " are two views: ask for one after the other");
  if (!given.fields.empty() && !is_json(given.format))
    throw Failure(ExitCode::usage, "--fields chooses columns of sockets; --findings has its own");
  const auto chosen = analyze::choose_rules(given.rules);
  if (chosen.has_error()) throw Failure(ExitCode::usage, "--rules: " + chosen.error().message + "; ssnap analyze --list-rules names them");
}

// What can't be combined, said before anything is read.
void check(const Arguments& given, Tool tool) {
  const std::string& format = given.format;
  if (!is_json(format) && !is_text_table(format) && format != "csv")
    throw Failure(ExitCode::usage, "--format takes table, wide, json, ndjson or csv, not '" + format + "'");
  const bool own_view = given.tree || given.pairs || given.findings || !given.fields.empty();
  if (tool != Tool::ssnap && format != "table")
    throw Failure(ExitCode::usage, "--as " + given.as + " prints what " + given.as + " prints; it can't be combined with --format " + format);
  if (tool != Tool::ssnap && own_view)
    throw Failure(ExitCode::usage, std::string(given.tree ? "--tree" : given.pairs ? "--pairs" : given.findings ? "--findings" : "--fields") +
                                       " is a view of ssnap's own; --as has no such thing");
  if (given.tree && given.pairs) throw Failure(ExitCode::usage, "--tree and --pairs are two views: ask for one after the other");
  if (given.tree && format != "table")
    throw Failure(ExitCode::usage, "--tree is for people; --format " + format +
                                       (is_json(format) ? " has it in the parents of each process and the owners of each socket without it"
                                                        : " has no place for it"));
  if (given.pairs && !is_json(format) && format != "table")
    throw Failure(ExitCode::usage, "--pairs is a table of its own, or a list in json and ndjson; there is none in --format " + format);
  if (!given.fields.empty() && (given.tree || (given.pairs && !is_json(format))))
    throw Failure(ExitCode::usage, "--fields chooses columns of sockets; --tree and --pairs have theirs");
  check_findings(given);
  if (given.live && !given.byte_order.empty()) throw Failure(ExitCode::usage, "--byte-order is for a copy of /proc; --live knows it");
  if (given.explain && tool == Tool::ssnap) throw Failure(ExitCode::usage, "--explain goes with --as ss, netstat or lsof");
}

// The names of --fields. JSON takes fields and what holds them, text the table's columns as well.
std::vector<std::string> read_fields(const Arguments& given) {
  if (given.fields.empty()) return {};
  std::vector<std::string> names;
  std::optional<std::string> unknown;
  for (const auto& name : split_list(given.fields)) {
    const auto columns = render::columns_of(name);
    if (is_json(given.format) ? !render::is_field(name) : columns.empty()) unknown = name;
    else if (is_json(given.format)) names.push_back(name);
    else names.insert(names.end(), columns.begin(), columns.end());
  }
  if (!unknown) return names;
  std::string known;
  for (const auto name : render::field_names()) {
    const auto first = name.substr(0, name.find('.'));
    if (known.size() < first.size() || known.substr(known.size() - first.size()) != first) known += (known.empty() ? "" : ", ") + std::string(first);
  }
  throw Failure(ExitCode::usage, "--fields: there is no '" + *unknown + "'; there are " + known +
                                     (is_json(given.format) ? "" : ", and the table's columns in lower case") +
                                     "; parts of them are written as in owners.pid (docs/schema)");
}

struct Answer {
  std::uint64_t rows = 0;
  std::string text;       // what was not printed while it was made
  std::string complaint;  // to standard error
};

// As a tool, of one namespace after the other.
Answer answer_as(Tool tool, const model::Snapshot& snapshot, const std::vector<std::uint32_t>& namespaces, const Arguments& given,
                 const analyze::FilterSyntax& syntax, const analyze::Filter& filter) {
  std::vector<bool> selected(snapshot.sockets.size());
  for (std::size_t i = 0; i < selected.size(); ++i) selected[i] = filter.matches(snapshot, snapshot.sockets[i]);
  const auto* only = filter.empty() ? nullptr : &selected;
  // As to ss, states in the filter stand in the place of -a, -l and their lack.
  Letters letters = given.letters;
  std::uint32_t states = 0;
  if (syntax.speaks_of(analyze::Subject::state)) {
    letters.all = true;
    states = syntax.leading_states != 0 ? syntax.leading_states : ~0u;
  }
  Answer answer;
  for (const std::uint32_t index : namespaces) {
    if (tool == Tool::ss) {
      render::SsOptions options = ss_options(letters, states);
      options.explain = given.explain;
      options.selected = only;
      answer.text += render::render_ss(snapshot, index, options, &answer.rows);
    } else if (tool == Tool::lsof) {
      render::LsofOptions options = lsof_options(letters);
      options.explain = given.explain;
      options.selected = only;
      answer.text += render::render_lsof(snapshot, index, options, &answer.rows);
    } else {
      render::NetstatOptions options = netstat_options(letters);
      options.explain = given.explain;
      options.selected = only;
      render::NetstatAnswer one = render::render_netstat(snapshot, index, options);
      answer.text += one.output;
      answer.rows += one.rows;
      if (!one.complaint.empty()) answer.complaint = std::move(one.complaint);
    }
  }
  return answer;
}

// What stands out among the selected sockets, for people or as CSV.
std::string findings_text(const render::Rows& rows, const model::Findings& findings, const Arguments& given) {
  if (given.format == "csv") return render::render_findings_csv(rows, findings, !given.letters.no_header);
  render::Style style = terminal_style();
  add_to_style(given.letters, style);
  if (given.format == "wide") style.width.reset();
  return render::render_findings(rows, findings, style, given.format == "wide");
}

// In the default view.
Answer answer_own(const model::Snapshot& snapshot, const std::vector<std::uint32_t>& namespaces, const Arguments& given,
                  const analyze::FilterSyntax& syntax, const analyze::Filter& filter, const std::vector<std::string>& fields) {
  analyze::Selection selection = selection_of(given.letters);
  if (syntax.speaks_of(analyze::Subject::state)) selection.all = true;
  render::Rows rows{snapshot, {}, 0, 0, 0};
  std::vector<bool> shown(snapshot.namespaces.size(), false), others(snapshot.namespaces.size(), false), chosen(snapshot.sockets.size(), false);
  for (const std::uint32_t index : namespaces) shown[index] = true;
  for (const model::Socket& socket : snapshot.sockets) {
    const bool selected = analyze::selects(selection, socket) && filter.matches(snapshot, socket);
    if (!shown[socket.netns]) {
      others[socket.netns] = true;
      rows.in_other_namespaces += selected;
      continue;
    }
    ++rows.total;
    if (!selected) continue;
    rows.sockets.push_back(&socket);
    chosen[static_cast<std::size_t>(&socket - snapshot.sockets.data())] = true;
  }
  rows.other_namespaces = static_cast<std::uint64_t>(std::count(others.begin(), others.end(), true));
  Answer answer;
  answer.rows = rows.sockets.size();
  std::optional<model::Findings> findings;
  if (given.findings) {
    findings = analyze::find_all(snapshot, *analyze::choose_rules(given.rules), chosen);
    answer.rows = static_cast<std::size_t>(std::count_if(findings->findings.begin(), findings->findings.end(), [](const auto& one) {
      return one.level == model::FindingLevel::finding;
    }));
  }
  const auto* found = findings ? &*findings : nullptr;
  // With --count the rows are wanted only where there should have been others.
  const render::Sink sink = [&](std::string_view piece) {
    if (given.row_count.only_count) answer.text += piece;
    else print(piece);
  };
  if (given.format == "json") {
    render::render_json(rows, given.pairs, fields, found, sink);
  } else if (given.format == "ndjson") {
    render::render_ndjson(rows, given.pairs, fields, found, sink);
  } else if (findings) {
    sink(findings_text(rows, *findings, given));
  } else if (given.format == "csv") {
    answer.text = render::render_csv(rows, fields.empty() ? render::default_csv_fields() : fields, !given.letters.no_header);
  } else {
    render::Style style = terminal_style();
    add_to_style(given.letters, style);
    style.netns_column = namespaces.size() > 1;
    if (given.format == "wide") {
      style.width.reset();
      style.extended = style.netns_column = true;
      style.details = {true, true, true, true, true, true, true};
    }
    if (given.letters.summary) sink(render::render_summary(rows));
    // As with ss, -s alone is a question of its own.
    if (given.letters.summary && !selection.has_table_or_state()) return answer;
    if (!fields.empty()) sink(render::render_fields_table(rows, fields, style));
    else if (given.tree) sink(render::render_tree(rows, style));
    else if (given.pairs) sink(render::render_pairs(rows, style));
    else render::render_table(rows, style, sink);
  }
  return answer;
}

}  // namespace

CommandHelp analyze_help() { return help_of(Tool::ssnap); }

int run_analyze_command(const std::vector<std::string>& arguments) {
  const Tool tool = find_tool(arguments);
  Arguments given;
  po::options_description options_of_all = letter_options(given.letters, tool);
  options_of_all.add(describe(given)).add(refused_options(tool));
  options_of_all.add_options()("words", po::value(&given.words));
  po::positional_options_description positions;
  positions.add("words", -1);
  parse_options(arguments, options_of_all, positions, "analyze");
  if (given.help) return print(help_text("analyze", help_of(tool))), 0;
  if (given.list_rules) return print(render::render_rules()), 0;
  if (given.words.empty() && !given.live)
    throw Failure(ExitCode::usage, "which snapshot? ssnap analyze SNAPSHOT; ssnap analyze --help lists the options");

  // What is wrong with the command line is said before anything is read.
  check(given, tool);
  const auto fields = read_fields(given);
  const auto syntax = read_filter({given.words.begin() + (given.live ? 0 : 1), given.words.end()}, host_family(given.letters));
  if (!given.expect.empty()) given.row_count.expectation = parse_expectation(given.expect);
  if (tool == Tool::ss) (void)ss_options(given.letters, 0);
  if (tool == Tool::netstat) (void)netstat_options(given.letters);
  if (tool == Tool::ssnap) (void)selection_of(given.letters);

  reconstruct::Options options;
  options.keep_proc_net_rows = tool != Tool::ssnap;
  options.keep_first_dump = tool == Tool::ss;
  options.keep_net_tables = tool == Tool::netstat;
  options.cross_view = given.findings;
  options.byte_order = parse_byte_order(given.byte_order);
  options.keep_info = given.letters.info || given.findings || (tool == Tool::ssnap && given.format != "table");
  const auto read = [&]() -> model::Snapshot {
    if (given.live) {
      std::vector<std::string> words{"ssnap", "analyze"};
      words.insert(words.end(), arguments.begin(), arguments.end());
      return capture_live(words, options);
    }
    auto replayed = pipeline::replay(open_input_confined(given.words.front()), options);
    if (replayed.has_error()) fail(replayed.error());
    return std::move(*replayed);
  };
  const model::Snapshot snapshot = read();
  if (!given.live) tell_byte_order(snapshot, given.words.front(), options.byte_order);
  const analyze::Filter filter = look_up_filter(syntax, snapshot);

  // JSON and CSV hold all namespaces, the table the host's own, unless told otherwise.
  std::optional<std::string> wanted;
  if (!given.netns.empty()) wanted = given.netns;
  else if (given.format != "table" || given.findings || syntax.speaks_of(analyze::Subject::netns)) wanted = "all";
  const auto namespaces = analyze::select_namespaces(snapshot, wanted);
  if (!namespaces) throw Failure(ExitCode::failed, unknown_namespace(snapshot, given.netns));

  const Answer answer = tool == Tool::ssnap ? answer_own(snapshot, *namespaces, given, syntax, filter, fields)
                                            : answer_as(tool, snapshot, *namespaces, given, syntax, filter);
  const bool as_expected = print_rows(given.row_count, answer.rows, answer.text);
  if (!answer.complaint.empty()) say(answer.complaint);
  const int done = as_expected ? 0 : static_cast<int>(ExitCode::unexpected);
  if (!snapshot.capture.incomplete) return done;
  say("the snapshot is incomplete: it was cut, or damaged; what could be read is shown (ssnap info says more)");
  return as_expected ? static_cast<int>(ExitCode::incomplete) : done;
}

}  // namespace ssnap::cli
