// ssnap analyze: a snapshot -> an answer. Opens nothing but the snapshot.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "analyze/select.h"
#include "cli/analyze_filter.h"
#include "cli/command.h"
#include "pipeline/replay.h"
#include "render/json.h"
#include "render/netstat.h"
#include "render/pairs.h"
#include "render/table.h"
#include "render/tree.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

using base::ExitCode;
using base::Failure;

// Every letter of every tool that `analyze` can speak for.
struct Letters {
  bool tcp = false, udp = false, udplite = false, raw = false, unix_sockets = false;
  bool ipv4 = false, ipv6 = false;
  bool all = false, listening = false;
  bool numeric = false, processes = false, extended = false, timers = false, no_header = false;
};

// One row a switch, one column a tool: what the letter means there, or null where the tool hasn't got it.
struct LetterRow {
  const char* names;  // as program_options wants them: long,short
  bool Letters::*value;
  const char* ssnap;
  const char* netstat;
};

constexpr LetterRow kLetters[] = {
    {"tcp,t", &Letters::tcp, "TCP sockets", "TCP sockets"},
    {"udp,u", &Letters::udp, "UDP and UDP-Lite sockets", "UDP sockets"},
    {"udplite,U", &Letters::udplite, nullptr, "UDP-Lite sockets"},
    {"raw,w", &Letters::raw, "raw sockets", "raw sockets"},
    {"unix,x", &Letters::unix_sockets, "UNIX sockets", "UNIX sockets"},
    {"ipv4,4", &Letters::ipv4, "IPv4 only", "IPv4 only"},
    {"ipv6,6", &Letters::ipv6, "IPv6 only", "IPv6 only"},
    {"all,a", &Letters::all, "every state", "every state"},
    {"listening,l", &Letters::listening, "listening sockets only", "listening sockets only"},
    {"numeric,n", &Letters::numeric, "numbers instead of names (always so)", "numbers instead of names"},
    {"processes,p", &Letters::processes, "who holds each socket (always shown)", "process (the first one only, as netstat has it)"},
    {"extended,e", &Letters::extended, "uid, inode and cookie too", "user and inode too"},
    {"timers,o", &Letters::timers, nullptr, "timers too"},
    {"no-header,H", &Letters::no_header, "no line of column names", nullptr},
};

enum class Tool { ssnap, netstat };

const char* meaning(const LetterRow& row, Tool tool) { return tool == Tool::netstat ? row.netstat : row.ssnap; }

// The letters mean what the tool of --as means by them, so it has to be known first.
Tool find_tool(const std::vector<std::string>& arguments) {
  std::string name = "ssnap";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") break;
    if (arguments[i] == "--as" && i + 1 < arguments.size()) name = arguments[i + 1];
    if (arguments[i].starts_with("--as=")) name = arguments[i].substr(5);
  }
  if (name == "ssnap") return Tool::ssnap;
  if (name == "netstat") return Tool::netstat;
  throw Failure(ExitCode::usage, "--as takes ssnap or netstat, not '" + name + "'");
}

po::options_description letter_options(Letters& letters, Tool tool) {
  po::options_description description(tool == Tool::netstat ? "Switches, as netstat has them" : "Switches, as ss has them");
  for (const LetterRow& row : kLetters)
    if (const char* text = meaning(row, tool)) description.add_options()(row.names, flag(letters.*row.value), text);
  return description;
}

render::Style terminal_style() {
  render::Style style;
  if (!::isatty(STDOUT_FILENO)) return style;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  const char* terminal = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = terminal != nullptr && std::string_view(terminal) != "dumb" && (no_colour == nullptr || *no_colour == '\0');
  return style;
}

std::string unknown_namespace(const model::Snapshot& snapshot, const std::string& wanted) {
  std::string known;
  for (const auto& netns : snapshot.namespaces)
    known += (known.empty() ? "" : ", ") + (!netns.name.empty() ? netns.name : netns.unknown ? "unknown" : std::to_string(netns.inode));
  return "no network namespace '" + wanted + "' in this snapshot; it has " + known;
}

struct Arguments {
  Letters letters;
  bool help = false, explain = false, tree = false, pairs = false;
  RowCount row_count;
  std::string as, format = "table", netns, expect;
  std::vector<std::string> words;
};

po::options_description describe(Arguments& to) {
  po::options_description description("Options");
  description.add_options()
      ("as", po::value(&to.as)->value_name("ssnap|netstat"), "answer as that tool would have; the switches then mean what they mean to it")
      ("explain", flag(to.explain), "with --as: under a row, where that tool's answer falls short of the evidence")
      ("format", po::value(&to.format)->value_name("table|json|ndjson")->default_value(to.format), "ndjson: one object a line; JSON holds every namespace")
      ("tree", flag(to.tree), "the processes that hold the sockets, under their parents")
      ("pairs", flag(to.pairs), "who talks to whom on this host, both ends together; with json or ndjson the list of them too")
      ("netns", po::value(&to.netns)->value_name("NAME|INODE|all"), "sockets of this network namespace; default: the host's own in the table")
      ("count", flag(to.row_count.only_count), "print how many rows there are instead of them")
      ("expect", po::value(&to.expect)->value_name("N|N..M"), "exit with 5 unless there are so many rows; also N.. and ..M")
      ("help,h", flag(to.help), "this text");
  return description;
}

CommandHelp help_of(Tool tool) {
  static Arguments unused;
  return {"show the sockets of a snapshot, their states and who holds them", "analyze SNAPSHOT [SWITCH]... [OPTION]... [FILTER]...",
          "SNAPSHOT is an archive of ssnap capture, - for standard input, or a directory: an unpacked archive or a copy\n"
          "of /proc. Without a table or state switch every socket is shown.",
          {letter_options(unused.letters, tool), describe(unused)},
          "FILTER is written as for ss: state established and ( dport = :443 or dst 10.0.0.0/8 ) not dev eth0. Beside it there\n"
          "are pid, comm, exe, user, uid, inode, netns, container, unit, owners, reason, via, pass, proto: comm nginx owners > 1.\n"
          "It is read from left to right, as by ss: `a or b and c` is ( a or b ) and c.\n\n"
          "Names come from the snapshot only, never from the machine that it is analyzed on: there is no -r."};
}

}  // namespace

CommandHelp analyze_help() { return help_of(Tool::ssnap); }

int run_analyze_command(const std::vector<std::string>& arguments) {
  const Tool tool = find_tool(arguments);
  Arguments given;
  po::options_description options_of_all = letter_options(given.letters, tool);
  options_of_all.add(describe(given));
  options_of_all.add_options()("words", po::value(&given.words));
  po::positional_options_description positions;
  positions.add("words", -1);
  parse_options(arguments, options_of_all, positions, "analyze");
  if (given.help) return print(help_text("analyze", help_of(tool))), 0;
  auto& [letters, help, explain, tree, pairs, row_count, as, format, netns, expect, words] = given;
  if (words.empty())
    throw Failure(ExitCode::usage, "which snapshot? ssnap analyze SNAPSHOT; ssnap analyze --help lists the options");
  const bool ip_tables = letters.tcp || letters.udp || letters.udplite || letters.raw;
  const auto filter_syntax = read_filter({words.begin() + 1, words.end()},
                                         unprefixed_family(ip_tables, letters.unix_sockets, letters.ipv4, letters.ipv6));
  if (!expect.empty()) row_count.expectation = parse_expectation(expect);
  if (format != "table" && format != "json" && format != "ndjson")
    throw Failure(ExitCode::usage, "--format takes table, json or ndjson, not '" + format + "'");
  if (tool == Tool::netstat && format != "table")
    throw Failure(ExitCode::usage, "--as netstat prints what netstat prints; it can't be combined with --format " + format);
  if (tree && pairs) throw Failure(ExitCode::usage, "--tree and --pairs are two views: ask for one after the other");
  if ((tree || pairs) && tool != Tool::ssnap)
    throw Failure(ExitCode::usage, std::string(tree ? "--tree" : "--pairs") + " is a view of ssnap's own; --as has no such thing");
  if (tree && format != "table")
    throw Failure(ExitCode::usage, "--tree is for people; --format " + format +
                                       " has it in the parents of each process and the owners of each socket without it");
  if (explain && tool == Tool::ssnap) throw Failure(ExitCode::usage, "--explain goes with --as netstat");

  reconstruct::Options options;
  options.keep_proc_net_rows = tool == Tool::netstat;
  options.keep_info = format != "table";
  const auto replayed = pipeline::replay(words.front(), options);
  if (replayed.has_error()) throw Failure(ExitCode::failed, replayed.error().message);
  const model::Snapshot& snapshot = *replayed;

  const analyze::Filter filter = look_up_filter(filter_syntax, snapshot);
  // As to ss, states in the filter stand in the place of -a, -l and their lack.
  if (filter_syntax.speaks_of(analyze::Subject::state)) letters.all = true;

  // JSON holds all namespaces, the table the host's own, unless told otherwise.
  std::optional<std::string> wanted;
  if (!netns.empty()) wanted = netns;
  else if (format != "table" || filter_syntax.speaks_of(analyze::Subject::netns)) wanted = "all";
  const auto namespaces = analyze::select_namespaces(snapshot, wanted);
  if (!namespaces) throw Failure(ExitCode::failed, unknown_namespace(snapshot, netns));

  bool as_expected = true;
  if (tool == Tool::netstat) {
    render::NetstatOptions netstat;
    netstat.tcp = letters.tcp;
    netstat.udp = letters.udp;
    netstat.udplite = letters.udplite;
    netstat.raw = letters.raw;
    netstat.unix_sockets = letters.unix_sockets;
    if (letters.ipv4 != letters.ipv6) netstat.inet = letters.ipv4, netstat.inet6 = letters.ipv6;
    netstat.all = letters.all;
    netstat.listening = letters.listening;
    netstat.numeric = letters.numeric;
    netstat.programs = letters.processes;
    netstat.extended = letters.extended;
    netstat.timers = letters.timers;
    netstat.explain = explain;
    std::vector<bool> selected(snapshot.sockets.size());
    for (std::size_t i = 0; i < selected.size(); ++i) selected[i] = filter.matches(snapshot, snapshot.sockets[i]);
    if (!filter.empty()) netstat.selected = &selected;
    std::uint64_t count = 0;
    std::string text;
    for (const std::uint32_t index : *namespaces) text += render::render_netstat(snapshot, index, netstat, &count);
    as_expected = print_rows(row_count, count, text);
  } else {
    analyze::Selection selection;
    selection.tcp = letters.tcp;
    selection.udp = letters.udp;
    selection.raw = letters.raw;
    selection.unix_sockets = letters.unix_sockets;
    selection.ipv4 = letters.ipv4;
    selection.ipv6 = letters.ipv6;
    selection.all = letters.all;
    selection.listening = letters.listening;
    render::Rows rows{snapshot, {}, 0, 0, 0};
    std::vector<bool> shown(snapshot.namespaces.size(), false), others(snapshot.namespaces.size(), false);
    for (const std::uint32_t index : *namespaces) shown[index] = true;
    for (const model::Socket& socket : snapshot.sockets) {
      const bool selected = analyze::selects(selection, socket) && filter.matches(snapshot, socket);
      if (!shown[socket.netns]) {
        others[socket.netns] = true;
        rows.in_other_namespaces += selected;
        continue;
      }
      ++rows.total;
      if (selected) rows.sockets.push_back(&socket);
    }
    rows.other_namespaces = static_cast<std::uint64_t>(std::count(others.begin(), others.end(), true));
    std::string view;
    if (format == "json") {
      view = render::render_json(rows, pairs);
    } else if (format == "ndjson") {
      view = render::render_ndjson(rows, pairs);
    } else {
      render::Style style = terminal_style();
      style.header = !letters.no_header;
      style.extended = letters.extended;
      style.netns_column = namespaces->size() > 1;
      view = tree ? render::render_tree(rows, style) : pairs ? render::render_pairs(rows, style) : render::render_table(rows, style);
    }
    as_expected = print_rows(row_count, rows.sockets.size(), view);
  }
  const int done = as_expected ? 0 : static_cast<int>(ExitCode::unexpected);
  if (!snapshot.capture.incomplete) return done;
  say("the snapshot is incomplete: it was cut, or damaged; what could be read is shown (ssnap info says more)");
  return as_expected ? static_cast<int>(ExitCode::incomplete) : done;
}

}  // namespace ssnap::cli
